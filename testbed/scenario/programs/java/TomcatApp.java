import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

/** Tomcat's NIO connector; a servlet that makes one HTTP call and one JDBC query on the request's thread. */
final class TomcatApp extends HttpServlet {
    private static final ThreadLocal<Connection> DATABASE = ThreadLocal.withInitial(TomcatApp::connect);

    private static Connection connect() {
        try {
            return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("POSTGRES_ADDR") + "/postgres?user=testbed");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException, ServletException {
        String id = request.getParameter("id");
        App.call("/b1", id);
        try (Statement statement = DATABASE.get().createStatement();
                ResultSet rows = statement.executeQuery("SELECT name FROM item WHERE id = 7 /* " + id + " */")) {
            rows.next();
        } catch (SQLException e) {
            throw new ServletException(e);
        }
        response.getOutputStream().print("ok\n");
    }

    public static void main(String[] args) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(System.getenv("DIR"));
        Connector connector = new Connector("org.apache.coyote.http11.Http11NioProtocol");
        connector.setProperty("address", "127.0.0.1");
        connector.setPort(Integer.parseInt(System.getenv("PORT")));
        connector.setProperty("maxThreads", String.valueOf(App.POOL));
        connector.setProperty("maxKeepAliveRequests", "-1");
        tomcat.setConnector(connector);
        var context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "app", new TomcatApp());
        context.addServletMappingDecoded("/", "app");
        tomcat.start();
        tomcat.getServer().await();
    }
}
