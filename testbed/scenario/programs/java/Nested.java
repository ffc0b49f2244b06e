import com.sun.net.httpserver.HttpExchange;
import java.util.concurrent.ExecutorService;

/** A pool thread makes a call, hands five more calls to a second pool and replies; the five go on. */
final class Nested {
    private static final ExecutorService OUTER = App.pool();
    private static final ExecutorService INNER = App.pool();

    private static void work(HttpExchange exchange) {
        String id = App.id(exchange);
        App.call("/b1", id);
        for (int i = 1; i <= 5; i++) {
            String path = "/n" + i;
            INNER.execute(() -> App.call(path, id));
        }
        App.reply(exchange);
    }

    public static void main(String[] args) throws Exception {
        App.serve(exchange -> OUTER.execute(() -> work(exchange)));
    }
}
