import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;

/** One endpoint that does what the query says: many habits in one process, on one pool. */
final class Mix {
    private static final ExecutorService POOL = App.pool();

    private static void handle(HttpExchange exchange) throws InterruptedException, ExecutionException {
        String id = App.id(exchange);
        switch (App.query(exchange, "k")) {
            case "none" -> App.reply(exchange);
            case "wait" -> {
                POOL.submit(() -> App.call("/b1", id)).get();
                App.reply(exchange);
            }
            case "all" -> {
                POOL.invokeAll(List.of(() -> App.call("/b1", id), () -> App.call("/b2", id)));
                App.reply(exchange);
            }
            case "sync" -> {
                App.call("/b1", id);
                POOL.submit(() -> App.call("/b2", id)).get();
                App.reply(exchange);
            }
            case "replies" -> POOL.execute(() -> {
                App.call("/b1", id);
                App.reply(exchange);
            });
            case "forget" -> {
                POOL.submit(() -> App.call("/b1", id)).get();
                POOL.execute(() -> App.call("/b2", id));
                App.reply(exchange);
            }
            default -> throw new IllegalArgumentException(exchange.getRequestURI().toString());
        }
    }

    public static void main(String[] args) throws Exception {
        App.serve(exchange -> {
            try {
                handle(exchange);
            } catch (InterruptedException | ExecutionException e) {
                throw new IOException(e);
            }
        });
    }
}
