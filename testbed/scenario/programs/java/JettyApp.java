import java.io.IOException;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.AbstractHandler;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** Jetty with its own thread pool; a handler that makes two calls one after the other. */
final class JettyApp extends AbstractHandler {
    @Override
    public void handle(String target, Request base, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        String id = request.getParameter("id");
        App.call("/b1", id);
        App.call("/b2", id);
        response.getOutputStream().print("ok\n");
        base.setHandled(true);
    }

    public static void main(String[] args) throws Exception {
        // Beside the threads that handle requests Jetty needs one to accept and one to select.
        Server server = new Server(new QueuedThreadPool(App.POOL + 2, App.POOL + 2));
        ServerConnector connector = new ServerConnector(server, 1, 1);
        connector.setHost("127.0.0.1");
        connector.setPort(Integer.parseInt(System.getenv("PORT")));
        server.addConnector(connector);
        server.setHandler(new JettyApp());
        server.start();
        server.join();
    }
}
