package io.sluice.management;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the API's description says of an operation besides its path and its summary. Immutable.
 *
 * @param query parameters of the query and what they mean
 * @param members of the request's body, in order; empty when it takes none
 * @param results members of the answer when it is done, in order; empty when it is said nowhere
 * @param answers statuses and what they mean
 * @param formats media types of the answers with a status that are something else than usual, which is JSON, and problem+json from 400 on
 */
record Manual(
        List<Parameter> query,
        List<Member> members,
        List<Member> results,
        SortedMap<Integer, String> answers,
        Map<Integer, List<String>> formats) {
    static final String JSON = "application/json";
    static final String PROBLEM = "application/problem+json";
    static final Manual NONE = new Manual(List.of(), List.of(), List.of(), new TreeMap<>(), Map.of());

    record Parameter(String name, String description, boolean required) {}

    /**
     * @param name several names that mean the same are separated by {@code |}, the usual one first
     * @param type as JSON Schema has it; several are separated by {@code |}
     */
    record Member(String name, String type, String description, boolean required) {
        List<String> names() {
            return List.of(name.split("\\|"));
        }

        Map<String, Object> schema() {
            Map<String, Object> property = new LinkedHashMap<>();
            List<String> types = List.of(type.split("\\|"));
            property.put("type", types.size() == 1 ? type : types);
            property.put("description", description);
            return property;
        }
    }

    Manual {
        query = List.copyOf(query);
        members = List.copyOf(members);
        results = List.copyOf(results);
        answers = Collections.unmodifiableSortedMap(new TreeMap<>(answers));
        formats = Map.copyOf(formats);
    }

    static Manual answering(int status, String meaning) {
        return NONE.or(status, meaning);
    }

    Manual or(int status, String meaning) {
        SortedMap<Integer, String> more = new TreeMap<>(answers);
        more.put(status, meaning);
        return new Manual(query, members, results, more, formats);
    }

    /** What answers of this status are, other than usual. */
    Manual as(int status, String... mediaTypes) {
        Map<Integer, List<String>> more = new HashMap<>(formats);
        more.put(status, List.of(mediaTypes));
        return new Manual(query, members, results, answers, more);
    }

    /** The media types of answers of this status, without parameters. */
    List<String> formats(int status) {
        return formats.getOrDefault(status, List.of(status < 400 ? JSON : PROBLEM));
    }

    Manual asking(String parameter, String description, boolean required) {
        List<Parameter> more = new ArrayList<>(query);
        more.add(new Parameter(parameter, description, required));
        return new Manual(more, members, results, answers, formats);
    }

    Manual taking(String member, String type, String description) {
        return taking(member, type, description, false);
    }

    Manual needing(String member, String type, String description) {
        return taking(member, type, description, true);
    }

    private Manual taking(String member, String type, String description, boolean required) {
        List<Member> more = new ArrayList<>(members);
        more.add(new Member(member, type, description, required));
        return new Manual(query, more, results, answers, formats);
    }

    /** A member that every good answer has. */
    Manual giving(String member, String type, String description) {
        return giving(member, type, description, true);
    }

    /** A member that some good answers have. */
    Manual mayGive(String member, String type, String description) {
        return giving(member, type, description, false);
    }

    private Manual giving(String member, String type, String description, boolean always) {
        List<Member> more = new ArrayList<>(results);
        more.add(new Member(member, type, description, always));
        return new Manual(query, members, more, answers, formats);
    }

    /** The body as a JSON Schema. */
    Map<String, Object> schema() {
        return schema(members);
    }

    /** A good answer as a JSON Schema; answers may have more members than it names. */
    Map<String, Object> resultSchema() {
        return schema(results);
    }

    private static Map<String, Object> schema(List<Member> members) {
        Map<String, Object> properties = new LinkedHashMap<>();
        List<String> required = new ArrayList<>();
        List<Object> either = new ArrayList<>();
        for (Member member : members) {
            member.names().forEach(name -> properties.put(name, member.schema()));
            if (member.required() && member.names().size() == 1) {
                required.add(member.name());
            } else if (member.required()) {
                either.add(Map.of(
                        "oneOf",
                        member.names().stream()
                                .map(name -> Map.of("required", List.of(name)))
                                .toList()));
            }
        }
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", "object");
        schema.put("properties", properties);
        if (!required.isEmpty()) {
            schema.put("required", required);
        }
        if (!either.isEmpty()) {
            schema.put("allOf", either);
        }
        return schema;
    }
}
