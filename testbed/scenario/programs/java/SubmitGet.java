import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;

/** A pool makes the call; the request's thread waits for the future and replies. */
final class SubmitGet {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = App.pool();
        App.serve(exchange -> {
            String id = App.id(exchange);
            try {
                pool.submit(() -> App.call("/b1", id)).get();
            } catch (InterruptedException | ExecutionException e) {
                throw new IOException(e);
            }
            App.reply(exchange);
        });
    }
}
