import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutorService;

/** A pool makes two calls at once; the request's thread waits for both and replies. */
final class InvokeAll {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = App.pool();
        App.serve(exchange -> {
            String id = App.id(exchange);
            try {
                pool.invokeAll(List.of(() -> App.call("/b1", id), () -> App.call("/b2", id)));
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            App.reply(exchange);
        });
    }
}
