import java.util.concurrent.ExecutorService;

/** A pool makes the call; the request's thread replies without waiting. */
final class FireAndForget {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = App.pool();
        App.serve(exchange -> {
            String id = App.id(exchange);
            pool.execute(() -> App.call("/b1", id));
            App.reply(exchange);
        });
    }
}
