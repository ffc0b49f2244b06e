import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.CompletableFuture;

/** Two calls in a chain of java.net.http's sendAsync; whoever completes the second one replies. */
final class HttpClientAsync {
    private static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private static CompletableFuture<HttpResponse<String>> send(String path, String id) {
        return CLIENT.sendAsync(HttpRequest.newBuilder(App.uri(path, id)).build(), BodyHandlers.ofString());
    }

    public static void main(String[] args) throws Exception {
        App.serve(exchange -> {
            String id = App.id(exchange);
            send("/b1", id).thenCompose(first -> send("/b2", id)).thenAccept(second -> App.reply(exchange));
        });
    }
}
