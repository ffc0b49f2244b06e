import java.util.concurrent.ExecutorService;

/** A pool makes the call and writes the reply; the request's thread goes on at once. */
final class PoolReplies {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = App.pool();
        App.serve(exchange -> pool.execute(() -> {
            App.call("/b1", App.id(exchange));
            App.reply(exchange);
        }));
    }
}
