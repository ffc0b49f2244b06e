import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** What the Java programs share: the JDK's HTTP server, a thread for each request, and one blocking call. */
final class App {
    static final int POOL = Integer.parseInt(System.getenv("POOL"));
    private static final String DELAY = "http://" + System.getenv("DELAY_ADDR");

    private App() {}

    /** Serves requests on PORT, each on a thread of its own. */
    static void serve(HttpHandler handler) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 1024);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", handler);
        server.start();
    }

    static ExecutorService pool() {
        return Executors.newFixedThreadPool(POOL);
    }

    /** Returns the value of a query parameter. */
    static String query(HttpExchange exchange, String name) {
        for (String pair : exchange.getRequestURI().getRawQuery().split("&")) {
            if (pair.startsWith(name + "=")) {
                return pair.substring(name.length() + 1);
            }
        }
        throw new IllegalArgumentException("no " + name + " in " + exchange.getRequestURI());
    }

    static String id(HttpExchange exchange) {
        return query(exchange, "id");
    }

    static URI uri(String path, String id) {
        return URI.create(DELAY + path + "?id=" + id);
    }

    /** Calls the backend and waits for its reply. Returns id, for chains. */
    static String call(String path, String id) {
        try {
            HttpURLConnection connection = (HttpURLConnection) uri(path, id).toURL().openConnection();
            try (InputStream body = connection.getInputStream()) {
                body.readAllBytes(); // to the end, so that the connection is kept
            }
            return id;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void reply(HttpExchange exchange) {
        byte[] body = "ok\n".getBytes();
        try (exchange) {
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
