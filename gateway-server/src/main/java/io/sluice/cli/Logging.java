package io.sluice.cli;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.Encoder;
import io.sluice.config.GatewayConfig.Log;
import io.sluice.server.Version;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import net.logstash.logback.composite.loggingevent.ThrowableClassNameJsonProvider;
import net.logstash.logback.encoder.LogstashEncoder;
import net.logstash.logback.fieldnames.LogstashFieldNames;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where log lines go: text on a terminal, JSON with the field names of the Elastic Common Schema elsewhere. Lines are
 * handed to a thread of their own, since writing blocks and event loops log; when it falls behind by thousands, lines
 * are dropped rather than calls held up.
 */
final class Logging {
    private static final int QUEUE = 8192;

    /** Line breaks and escapes in a message could forge lines or move a terminal's cursor. */
    private static final String MESSAGE = "%replace(%replace(%msg %kvp){'[\\r\\n\\x1b]', ' '}){'\\s+$', ''}%n%ex";

    private Logging() {}

    static void start(Log settings, boolean debug, Map<String, String> environment) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        context.start(); // it may have been stopped before; then it would not be stopped again, nor written out
        boolean json = switch (settings.format()) {
            case JSON -> true;
            case TEXT -> false;
            case AUTO -> !Terminal.isStandardOutput();
        };
        boolean colour = Terminal.isStandardOutput() && !environment.containsKey("NO_COLOR");
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
        root.addAppender(
                async(context, writing(context, console, json ? json(context, environment) : text(context, colour))));
        settings.file().ifPresent(file -> {
            FileAppender<ILoggingEvent> appender = new FileAppender<>();
            appender.setFile(file.toString());
            root.addAppender(async(
                    context, writing(context, appender, json ? json(context, environment) : text(context, false))));
        });
        level(settings, debug);
    }

    /** Nothing is written: for commands whose output is their own. */
    static void quiet() {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).setLevel(Level.OFF);
        context.getLogger("io.sluice").setLevel(Level.OFF);
    }

    /** What is written from now on. */
    static void level(Log settings, boolean debug) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.INFO);
        // Wire logs of the libraries hold tokens and arguments; they stay off whatever our own level is.
        Level ours = Level.toLevel(settings.level().name());
        context.getLogger("io.sluice").setLevel(debug && ours.isGreaterOrEqual(Level.DEBUG) ? Level.DEBUG : ours);
        if (!debug) {
            // what went wrong with a connection is told in our own words, once, and without a stack trace
            context.getLogger("reactor.netty.http.client.HttpClientConnect").setLevel(Level.OFF);
            // a connection that was being made for a cancelled probe when the event loops went
            context.getLogger("io.netty.util.concurrent.DefaultPromise.rejectedExecution")
                    .setLevel(Level.OFF);
            context.getLogger("io.netty.handler.ssl.ApplicationProtocolNegotiationHandler")
                    .setLevel(Level.ERROR);
        }
        if (ours.isGreaterOrEqual(Level.WARN) && !debug) {
            root.setLevel(ours);
        }
    }

    /** Writes what is still queued. */
    static void stop() {
        ((LoggerContext) LoggerFactory.getILoggerFactory()).stop();
    }

    private static Appender<ILoggingEvent> async(LoggerContext context, Appender<ILoggingEvent> appender) {
        AsyncAppender async = new AsyncAppender();
        async.setContext(context);
        async.setQueueSize(QUEUE);
        async.setDiscardingThreshold(0);
        async.setNeverBlock(true);
        async.addAppender(appender);
        async.start();
        return async;
    }

    private static Appender<ILoggingEvent> writing(
            LoggerContext context, OutputStreamAppender<ILoggingEvent> appender, Encoder<ILoggingEvent> encoder) {
        appender.setContext(context);
        appender.setEncoder(encoder);
        appender.start();
        return appender;
    }

    private static Encoder<ILoggingEvent> text(LoggerContext context, boolean colour) {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern("%d{HH:mm:ss.SSS} " + (colour ? "%highlight(%-5level)" : "%-5level") + " " + MESSAGE);
        encoder.start();
        return encoder;
    }

    private static Encoder<ILoggingEvent> json(LoggerContext context, Map<String, String> environment) {
        LogstashFieldNames names = new LogstashFieldNames();
        names.setVersion("[ignore]");
        names.setLevelValue("[ignore]");
        names.setLevel("log.level");
        names.setLogger("log.logger");
        names.setThread("process.thread.name");
        names.setStackTrace("error.stack_trace");
        ThrowableClassNameJsonProvider errorType = new ThrowableClassNameJsonProvider();
        errorType.setFieldName("error.type");
        errorType.setUseSimpleClassName(false);
        LogstashEncoder encoder = new LogstashEncoder();
        encoder.setContext(context);
        encoder.setFieldNames(names);
        encoder.setTimeZone("UTC");
        encoder.setIncludeContext(false);
        encoder.addProvider(errorType);
        encoder.setCustomFields(JsonMapper.shared().writeValueAsString(service(environment)));
        encoder.start();
        return encoder;
    }

    private static Map<String, String> service(Map<String, String> environment) {
        Map<String, String> service = new LinkedHashMap<>();
        service.put("service.name", "sluice");
        service.put("service.version", Version.current());
        service.put("service.node.name", node(environment));
        return service;
    }

    private static String node(Map<String, String> environment) {
        // Kubernetes and Docker set it, and it spares the look-up.
        String name = environment.get("HOSTNAME");
        if (name != null && !name.isBlank()) {
            return name;
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }

    /** Whether somebody reads along. */
    private static final class Terminal {
        @SuppressWarnings("SystemConsoleNull") // JDK 22 to 24 may say yes too often
        static boolean isStandardOutput() {
            // The console of the virtual machine needs standard input to be a terminal too; Linux can tell them apart.
            Path standardOutput = Path.of("/proc/self/fd/1");
            if (Files.isSymbolicLink(standardOutput)) {
                try {
                    String target = Files.readSymbolicLink(standardOutput).toString();
                    return target.startsWith("/dev/pts/")
                            || target.startsWith("/dev/tty")
                            || target.equals("/dev/console");
                } catch (IOException e) {
                    return false;
                }
            }
            return System.console() != null;
        }
    }
}
