package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/** The registry's scripts with the keys they work on. What they do is told in their files. */
final class RegistryScripts {
    private static final Script NOTHING = Script.of("return {'ok'}");

    private final RedisConnections redis;
    private final List<String> keys;
    private final Script put;
    private final Script remove;
    private final Script renew;
    private final Script sweep;
    private final Script read;
    private final Script snapshot;
    private final Script begin;
    private final Script digest;
    private final Script hold;
    private final Script adopt;
    private final Script lead;
    private final Script resign;

    private final int confirmations;

    /**
     * @param confirmations how many replicas of Redis must have a change
     * @param edit made to each script; tests break the protocol with it, to see that it is noticed
     */
    RegistryScripts(RedisConnections redis, int confirmations, UnaryOperator<String> edit) {
        this.redis = redis;
        this.confirmations = confirmations;
        this.put = script("put", edit);
        this.remove = script("remove", edit);
        this.renew = script("renew", edit);
        this.sweep = script("sweep", edit);
        this.read = script("read", edit);
        this.snapshot = script("snapshot", edit);
        this.begin = script("begin", edit);
        this.digest = script("digest", edit);
        this.hold = script("hold", edit);
        this.adopt = script("adopt", edit);
        this.lead = script("lead", edit);
        this.resign = script("resign", edit);
        this.keys = List.of(key("meta"), key("reg"), key("log"), key("ttl"), key("grp"));
    }

    /** What a script said: a word, and what belongs to it. */
    record Said(String word, List<String> rest) {
        boolean is(String other) {
            return word.equals(other);
        }

        String at(int index) {
            return rest.get(index);
        }

        long number(int index) {
            return Long.parseLong(rest.get(index));
        }
    }

    String channel() {
        return key("chg");
    }

    Mono<String> value(String id) {
        return redis.command(commands -> commands.hget(key("reg"), id)).map(bytes -> new String(bytes, UTF_8));
    }

    Mono<Said> put(String id, String operation, String... arguments) {
        return run(put, key("op:" + id + ":" + operation), id, arguments);
    }

    Mono<Said> remove(String id, String operation, String... arguments) {
        return run(remove, key("op:" + id + ":" + operation), id, arguments);
    }

    /** Completes when so many replicas of Redis as there have to be have everything that was written until now. */
    Mono<Void> confirmed() {
        return confirmations == 0
                ? Mono.empty()
                : redis.runConfirmed(confirmations, NOTHING, keys).then();
    }

    Mono<Said> renew(String id, String epoch) {
        return run(renew, "", id, epoch);
    }

    Mono<Said> sweep(String epoch, long pauseMillis, int most) {
        return run(sweep, "", epoch, channel(), "" + pauseMillis, "" + most);
    }

    Mono<Said> read(String epoch, long revision, String operation, int most) {
        return run(read, "", epoch, "" + revision, operation, "" + most);
    }

    Mono<Said> snapshot() {
        return redis.runBulk(snapshot, keys).map(RegistryScripts::said);
    }

    Mono<Said> begin(String epoch) {
        return run(begin, "", epoch);
    }

    Mono<Said> digest() {
        return redis.runBulk(digest, keys).map(RegistryScripts::said);
    }

    Mono<Said> hold(String node, long revision, long ttlMillis) {
        return run(hold, key("holders"), node, "" + revision, "" + ttlMillis);
    }

    Mono<Said> adopt(List<String> arguments) {
        List<String> all = new ArrayList<>(keys);
        all.add(key("holders"));
        return redis.runBulk(adopt, all, bytes(arguments)).map(RegistryScripts::said);
    }

    Mono<Said> lead(String job, String owner, long ttlMillis, String epoch) {
        return run(lead, key("lease:" + job), job, owner, "" + ttlMillis, epoch);
    }

    Mono<Said> resign(String job, String owner) {
        return run(resign, key("lease:" + job), owner);
    }

    private Mono<Said> run(Script script, String sixthKey, String first, String... others) {
        List<String> all = new ArrayList<>(keys);
        if (!sixthKey.isEmpty()) {
            all.add(sixthKey);
        }
        List<String> arguments = new ArrayList<>(others.length + 1);
        arguments.add(first);
        arguments.addAll(List.of(others));
        boolean waits = confirmations > 0 && (script == put || script == remove);
        return (waits
                        ? redis.runConfirmed(confirmations, script, all, bytes(arguments))
                        : redis.run(script, all, bytes(arguments)))
                .map(RegistryScripts::said);
    }

    private String key(String name) {
        return redis.settings().key(name);
    }

    private static Said said(List<Object> answer) {
        List<String> words = new ArrayList<>(answer.size());
        for (Object each : answer) {
            words.add(each instanceof byte[] bytes ? new String(bytes, UTF_8) : String.valueOf(each));
        }
        return new Said(words.get(0), words.subList(1, words.size()));
    }

    private static byte[][] bytes(List<String> arguments) {
        return arguments.stream().map(text -> text.getBytes(UTF_8)).toArray(byte[][]::new);
    }

    private static Script script(String name, UnaryOperator<String> edit) {
        Script script = Script.beside(RegistryScripts.class, "common.lua", name + ".lua");
        return Script.of(edit.apply(script.text()));
    }
}
