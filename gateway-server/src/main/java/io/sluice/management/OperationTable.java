package io.sluice.management;

import io.netty.handler.codec.http.HttpMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** All operations there are. Immutable. */
final class OperationTable {
    private final List<Operation> operations;

    /** @throws IllegalArgumentException when two have the same method and path */
    OperationTable(List<Operation> operations) {
        this.operations = List.copyOf(operations);
        TreeSet<String> seen = new TreeSet<>();
        for (Operation operation : operations) {
            if (!seen.add(operation.method() + " " + operation.path())) {
                throw new IllegalArgumentException(operation.method() + " " + operation.path() + " stands twice");
            }
        }
    }

    List<Operation> operations() {
        return operations;
    }

    /**
     * What may be done at one path.
     *
     * @param variables values of the path's variables
     */
    record Resource(List<Operation> operations, Map<String, String> variables) {
        /** The operation of a method. HEAD is a GET whose body stays here. */
        Optional<Operation> operation(HttpMethod method) {
            HttpMethod meant = HttpMethod.HEAD.equals(method) ? HttpMethod.GET : method;
            return operations.stream()
                    .filter(operation -> operation.method().equals(meant))
                    .findFirst();
        }

        /** Whether anything here asks for a token; then a method that does not exist asks for one too. */
        Operation.Access access() {
            return operations.stream().allMatch(operation -> operation.access() == Operation.Access.OPEN)
                    ? Operation.Access.OPEN
                    : Operation.Access.MANAGING;
        }

        /** For the {@code Allow} header. */
        String allow() {
            TreeSet<String> methods = new TreeSet<>();
            for (Operation operation : operations) {
                methods.add(operation.method().name());
                if (operation.method().equals(HttpMethod.GET)) {
                    methods.add(HttpMethod.HEAD.name());
                }
            }
            return String.join(", ", methods);
        }
    }

    /** What is at the path; empty when nothing is. */
    Optional<Resource> find(String path) {
        List<Operation> here = new ArrayList<>();
        List<String> parts = PathPattern.split(path); // once: clients' requests come by here too
        Map<String, String> variables = Map.of();
        for (Operation operation : operations) {
            Optional<Map<String, String>> match = operation.path().match(parts);
            if (match.isPresent()) {
                here.add(operation);
                variables = match.get();
            }
        }
        return here.isEmpty() ? Optional.empty() : Optional.of(new Resource(List.copyOf(here), variables));
    }
}
