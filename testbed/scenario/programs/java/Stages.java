import static java.util.concurrent.CompletableFuture.supplyAsync;

import java.util.concurrent.ExecutorService;

/** Two stages of a CompletableFuture on a pool, one call each; the second stage's thread replies. */
final class Stages {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = App.pool();
        App.serve(exchange -> {
            String id = App.id(exchange);
            supplyAsync(() -> App.call("/b1", id), pool)
                .thenApplyAsync(first -> App.call("/b2", first), pool)
                .thenAccept(second -> App.reply(exchange));
        });
    }
}
