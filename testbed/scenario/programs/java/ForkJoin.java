import java.util.concurrent.ForkJoinPool;

/**
 * A ForkJoinPool makes the call. With FORGET=1 the request's thread replies at once, else it waits for the task.
 */
final class ForkJoin {
    public static void main(String[] args) throws Exception {
        boolean forget = "1".equals(System.getenv("FORGET"));
        ForkJoinPool pool = new ForkJoinPool(App.POOL);
        App.serve(exchange -> {
            String id = App.id(exchange);
            var task = pool.submit(() -> App.call("/b1", id));
            if (!forget) {
                task.join();
            }
            App.reply(exchange);
        });
    }
}
