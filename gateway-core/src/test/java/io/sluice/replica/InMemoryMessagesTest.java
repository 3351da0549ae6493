package io.sluice.replica;

import java.util.List;

final class InMemoryMessagesTest extends MessagesContract {
    @Override
    protected List<Messages> two() {
        InMemoryMessages first = InMemoryMessages.alone();
        return List.of(first, first.another());
    }
}
