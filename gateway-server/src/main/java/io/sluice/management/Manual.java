package io.sluice.management;

import java.util.ArrayList;
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
 * @param answers statuses and what they mean
 */
record Manual(List<Parameter> query, List<Member> members, SortedMap<Integer, String> answers) {
    static final Manual NONE = new Manual(List.of(), List.of(), new TreeMap<>());

    record Parameter(String name, String description, boolean required) {}

    /** @param type as JSON Schema has it */
    record Member(String name, String type, String description, boolean required) {}

    Manual {
        query = List.copyOf(query);
        members = List.copyOf(members);
        answers = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(answers));
    }

    static Manual answering(int status, String meaning) {
        return NONE.or(status, meaning);
    }

    Manual or(int status, String meaning) {
        SortedMap<Integer, String> more = new TreeMap<>(answers);
        more.put(status, meaning);
        return new Manual(query, members, more);
    }

    Manual asking(String parameter, String description, boolean required) {
        List<Parameter> more = new ArrayList<>(query);
        more.add(new Parameter(parameter, description, required));
        return new Manual(more, members, answers);
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
        return new Manual(query, more, answers);
    }

    /** The body as a JSON Schema. */
    Map<String, Object> schema() {
        Map<String, Object> properties = new LinkedHashMap<>();
        for (Member member : members) {
            Map<String, Object> property = new LinkedHashMap<>();
            property.put("type", member.type());
            property.put("description", member.description());
            properties.put(member.name(), property);
        }
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", "object");
        schema.put("properties", properties);
        List<String> required =
                members.stream().filter(Member::required).map(Member::name).toList();
        if (!required.isEmpty()) {
            schema.put("required", required);
        }
        return schema;
    }
}
