import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.core.task.SimpleAsyncTaskExecutor;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.AsyncAnnotationBeanPostProcessor;
import org.springframework.scheduling.annotation.AsyncResult;
import org.springframework.scheduling.concurrent.ThreadPoolTaskExecutor;

/**
 * The call is an @Async method, run by Spring's SimpleAsyncTaskExecutor (EXECUTOR=simple: a thread for each task) or
 * ThreadPoolTaskExecutor (EXECUTOR=pool). The request's thread waits for it (k=wait) or not (k=forget).
 */
final class SpringAsync {
    public interface Backend {
        Future<String> call(String id);
    }

    public static class HttpBackend implements Backend {
        @Async
        @Override
        public Future<String> call(String id) {
            return new AsyncResult<>(App.call("/b1", id));
        }
    }

    private static Executor executor() {
        if ("simple".equals(System.getenv("EXECUTOR"))) {
            return new SimpleAsyncTaskExecutor();
        }
        ThreadPoolTaskExecutor pool = new ThreadPoolTaskExecutor();
        pool.setCorePoolSize(App.POOL);
        pool.setMaxPoolSize(App.POOL);
        pool.initialize();
        return pool;
    }

    public static void main(String[] args) throws Exception {
        AsyncAnnotationBeanPostProcessor async = new AsyncAnnotationBeanPostProcessor();
        async.setExecutor(executor());
        GenericApplicationContext context = new GenericApplicationContext();
        context.getBeanFactory().addBeanPostProcessor(async);
        async.setBeanFactory(context.getBeanFactory());
        context.registerBeanDefinition("backend",
            new RootBeanDefinition(HttpBackend.class));
        context.refresh();
        Backend backend = context.getBean(Backend.class);
        App.serve(exchange -> {
            Future<String> called = backend.call(App.id(exchange));
            if ("wait".equals(App.query(exchange, "k"))) {
                try {
                    called.get();
                } catch (InterruptedException | ExecutionException e) {
                    throw new IOException(e);
                }
            }
            App.reply(exchange);
        });
    }
}
