import static io.netty.handler.codec.http.HttpHeaderNames.CONTENT_LENGTH;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.concurrent.ExecutorService;

/** Netty's event loop reads the request, a business pool makes the call, the loop writes the reply. */
final class NettyPool extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final ExecutorService POOL = App.pool();

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        String id = new QueryStringDecoder(request.uri()).parameters().get("id").get(0);
        POOL.execute(() -> {
            App.call("/b1", id);
            FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.OK, Unpooled.copiedBuffer("ok\n".getBytes()));
            response.headers().set(CONTENT_LENGTH, response.content().readableBytes());
            context.writeAndFlush(response);
        });
    }

    public static void main(String[] args) throws Exception {
        new ServerBootstrap()
            .group(new NioEventLoopGroup(1), new NioEventLoopGroup(2))
            .channel(NioServerSocketChannel.class)
            .childHandler(new ChannelInitializer<SocketChannel>() {
                @Override
                protected void initChannel(SocketChannel channel) {
                    channel.pipeline().addLast(new HttpServerCodec(), new HttpObjectAggregator(1 << 16), new NettyPool());
                }
            })
            .bind("127.0.0.1", Integer.parseInt(System.getenv("PORT"))).sync();
    }
}
