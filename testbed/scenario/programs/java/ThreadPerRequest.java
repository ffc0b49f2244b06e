/** The thread that reads a request makes its call and writes its reply. */
final class ThreadPerRequest {
    public static void main(String[] args) throws Exception {
        App.serve(exchange -> {
            App.call("/b1", App.id(exchange));
            App.reply(exchange);
        });
    }
}
