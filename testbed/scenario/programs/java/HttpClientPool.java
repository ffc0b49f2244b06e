import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;

/** A pool makes the call with java.net.http's blocking send; the request's thread waits and replies. */
final class HttpClientPool {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = App.pool();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        App.serve(exchange -> {
            HttpRequest request = HttpRequest.newBuilder(App.uri("/b1", App.id(exchange))).build();
            try {
                pool.submit(() -> client.send(request, BodyHandlers.ofString())).get();
            } catch (InterruptedException | ExecutionException e) {
                throw new IOException(e);
            }
            App.reply(exchange);
        });
    }
}
