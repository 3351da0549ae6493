package io.sluice.management;

import io.sluice.registry.Backend;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import java.util.Locale;

/** Whose a backend is: what the file, a variable or discovery named is theirs to change. */
final class Owner {
    private Owner() {}

    /**
     * Refuses with 409 to touch what no request named.
     *
     * @param act what was asked for, as a verb
     */
    static void check(Registry registry, String name, String act) {
        if (registry.snapshot().records(RecordKind.PROFILE).containsKey(name)) {
            throw Problem.of(409, "backend.name_taken", "'" + name + "' is the name of a profile")
                    .withHint("Choose another name: backends and profiles share theirs");
        }
        Registration there = registry.snapshot().registrations().get(name);
        if (there == null || there.backend().source().requested()) {
            return;
        }
        Backend.Source source = there.backend().source();
        throw Problem.of(
                        409,
                        "backend.owned",
                        "Backend '" + name + "' comes from " + owner(name, source) + ", and the API cannot " + act
                                + " it")
                .withHint(
                        switch (source) {
                            case FILE -> "Edit the file: it is read again when it changes";
                            case VARIABLE -> "Unset the variable and start again";
                            default -> "Change it where it was discovered";
                        });
    }

    private static String owner(String name, Backend.Source source) {
        return switch (source) {
            case FILE -> "the configuration file";
            case VARIABLE ->
                "the variable MCP_PEER_" + name.toUpperCase(Locale.ROOT).replace('-', '_') + "_URL";
            default -> "discovery";
        };
    }
}
