// SPDX-License-Identifier: Apache-2.0
package example;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.weighbridge.InvalidInputException;
import io.weighbridge.LoadOptions;
import io.weighbridge.NotLoadedException;
import io.weighbridge.OverloadedException;
import io.weighbridge.Result;
import io.weighbridge.Row;
import io.weighbridge.Schema;
import io.weighbridge.SchemaException;
import io.weighbridge.Slot;
import io.weighbridge.Weighbridge;
import io.weighbridge.WeighbridgeException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;

/**
 * Authorises payments over HTTP, with the model in its own process.
 *
 * <ul>
 *   <li>POST /authorise with a payment as JSON: {"decision": "review", "score": 0.61, "version": "1", "by": "model"}
 *   <li>GET /health: 200 while a model serves, 503 before and while the service stops
 *   <li>GET /metrics: Prometheus text
 *   <li>POST /reload with a bundle's folder: loaded, verified and warmed beside the serving one, then swapped in
 * </ul>
 *
 * SIGTERM stops it: what is under way is answered, whatever comes then is told 503, and the process ends.
 */
public final class PaymentService implements AutoCloseable {
    private static final Duration BUDGET = Duration.ofMillis(20);

    private final Weighbridge engine;
    private final Slot champion;
    private final LoadOptions loading;
    private final HttpServer server;
    private final ExecutorService workers;
    /** Requests under way; stopping waits for them. */
    private final Phaser underWay = new Phaser(1);
    private volatile boolean stopping;

    /** A row for each worker: a row is for one thread at a time. Slot.load changes the schema by additions only. */
    private final ThreadLocal<Row> rows;

    PaymentService(int port, Path bundle, LoadOptions loading) throws IOException {
        this.loading = loading;
        engine = Weighbridge.create();
        champion = engine.createSlot("champion").load(bundle, loading);
        Schema schema = champion.schema();
        rows = ThreadLocal.withInitial(schema::newRow);
        workers = Executors.newFixedThreadPool(8);
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 256);
        server.setExecutor(workers);
        serve("/authorise", "POST", body -> authorise(body));
        serve("/health", "GET", body -> health());
        serve("/metrics", "GET", body -> new Answer(200, engine.metrics()));
        serve("/reload", "POST", body -> reload(body));
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    private record Answer(int code, String text) {}

    private interface Handler {
        Answer answer(String body);
    }

    private void serve(String path, String method, Handler handler) {
        server.createContext(path, exchange -> {
            underWay.register();
            try (exchange) {
                if (stopping) {
                    exchange.getResponseHeaders().set("Connection", "close");
                    send(exchange, new Answer(503, "stopping\n"));
                } else {
                    send(exchange, exchange.getRequestMethod().equals(method) ? answer(exchange, handler)
                            : new Answer(405, "expected " + method + "\n"));
                }
            } finally {
                underWay.arriveAndDeregister();
            }
        });
    }

    /** What went wrong, in HTTP's words: the payment, the deployment, too much of it, or this service. */
    private static Answer answer(HttpExchange exchange, Handler handler) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        try {
            return handler.answer(body);
        } catch (InvalidInputException error) {
            return new Answer(422, error.getMessage() + "\n");
        } catch (SchemaException error) {
            return new Answer(409, error.getMessage() + "\n");
        } catch (OverloadedException | NotLoadedException error) {
            return new Answer(503, error.getMessage() + "\n");
        } catch (WeighbridgeException error) {
            return new Answer(500, error.status() + ": " + error.getMessage() + "\n");
        }
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        byte[] bytes = answer.text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.code, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private Answer authorise(String payment) {
        Result result = champion.score(rows.get().clear().setJson(payment), BUDGET);
        return new Answer(200, "{\"decision\": \"" + result.bandName() + "\", \"score\": " + result.score()
                + ", \"version\": \"" + result.version() + "\", \"by\": \""
                + (result.isFallback() ? "fallback" : "model") + "\"}\n");
    }

    private Answer health() {
        return new Answer(200, "serving " + champion.info().version() + "\n");
    }

    private Answer reload(String bundle) {
        champion.load(Path.of(bundle.strip()), loading);
        engine.maintain();
        return new Answer(200, "serving " + champion.info().version() + "\n");
    }

    /** Answers what is under way, takes no more, and lets go of the models. */
    @Override
    public void close() {
        stopping = true;
        underWay.arriveAndAwaitAdvance();
        server.stop(0);
        workers.shutdown();
        champion.close();
        engine.close(Duration.ofSeconds(10));
    }

    /**
     * Runs the service.
     *
     * @param arguments port (0 for any) and the bundle's folder
     */
    public static void main(String[] arguments) throws IOException {
        System.setProperty("sun.net.httpserver.nodelay", "true"); // or answers wait 40 ms for the client's delayed ACK
        PaymentService service = new PaymentService(Integer.parseInt(arguments[0]), Path.of(arguments[1]),
                new LoadOptions());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            service.close();
            System.out.println("stopped");
        }));
        System.out.println("listening on " + service.port() + ", Weighbridge " + Weighbridge.info().libraryVersion()
                + " through " + Weighbridge.info().access());
    }
}
