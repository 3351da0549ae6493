package io.sluice.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.adapter.Adapter.Outcome;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.MessageReader;
import io.sluice.rejection.Rejection.BackendFailure;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;

class SwitchboardTest {
    private final List<String> sent = new CopyOnWriteArrayList<>();
    private final Switchboard switchboard = new Switchboard(json -> sent.add(text(json)), "time");

    private static String text(byte[] json) {
        return new String(json, StandardCharsets.UTF_8);
    }

    private static Envelope message(String json) {
        return MessageReader.read(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8))
                .orElseThrow();
    }

    private void arrives(String json) {
        switchboard.arrived(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    /** Sends a request and keeps what came of it. */
    private AtomicReference<Object> asked(String json) {
        AtomicReference<Object> outcome = new AtomicReference<>();
        switchboard.post(message(json), null).subscribe(outcome::set, outcome::set);
        return outcome;
    }

    private static String json(AtomicReference<Object> outcome) {
        return text(((Outcome.Message) outcome.get()).json());
    }

    @Test
    void twoAskersMayUseTheSameIdsAtOnce() {
        AtomicReference<Object> one = asked("{'jsonrpc':'2.0','id':'x','method':'tools/call','params':{'name':'a'}}");
        AtomicReference<Object> two = asked("{'jsonrpc':'2.0','id':'x','method':'tools/call','params':{'name':'b'}}");

        arrives("{'jsonrpc':'2.0','id':2,'result':{'of':'b'}}");
        arrives("{'jsonrpc':'2.0','id':'1','result':{'of':'a'}}");

        assertThat(sent).anyMatch(line -> line.contains("\"id\":1")).anyMatch(line -> line.contains("\"id\":2"));
        assertThat(json(one)).isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"of\":\"a\"}}");
        assertThat(json(two)).isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"of\":\"b\"}}");
    }

    @Test
    void progressReachesTheAskerOfItsTokenOnly() {
        String call = "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'_meta':{'progressToken':'mine'}}}";
        AtomicReference<Object> one = asked(call);
        AtomicReference<Object> two = asked(call);

        arrives("{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':2,'progress':1}}");

        assertThat(one).hasNullValue();
        List<String> messages = new ArrayList<>();
        ((Outcome.Messages) two.get()).json().subscribe(json -> messages.add(text(json)));
        arrives("{'jsonrpc':'2.0','id':2,'result':{}}");
        assertThat(messages).hasSize(2);
        assertThat(messages.get(0)).contains("\"progressToken\":\"mine\"");
        assertThat(messages.get(1)).contains("\"id\":1");
        assertThat(sent.get(1)).contains("\"progressToken\":2");
    }

    @Test
    void whoeverLeavesCancelsItsRequestAtTheServer() {
        Disposable leaving = switchboard
                .post(message("{'jsonrpc':'2.0','id':7,'method':'tools/call'}"), null)
                .subscribe();

        leaving.dispose();

        assertThat(sent).hasSize(2);
        assertThat(sent.get(1)).contains("notifications/cancelled").contains("\"requestId\":1");
        assertThat(switchboard.underWay()).isZero();
    }

    @Test
    void cancellationTravelsUnderTheServersIdOnce() {
        AtomicReference<Object> outcome = asked("{'jsonrpc':'2.0','id':70,'method':'tools/call'}");
        asked("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':70,'reason':'enough'}}");
        asked("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':70}}");

        assertThat(sent).hasSize(2);
        assertThat(sent.get(1)).contains("\"requestId\":1").contains("enough");
        assertThat(outcome).hasNullValue();
    }

    @Test
    void initializeIsNeverCancelled() {
        switchboard
                .post(message("{'jsonrpc':'2.0','id':7,'method':'initialize'}"), null)
                .subscribe()
                .dispose();

        assertThat(sent).hasSize(1);
    }

    @Test
    void messageWithLineBreaksIsSentAsOneLine() {
        asked("{'jsonrpc':'2.0',\n'id':1,\r\n'method':'ping'}");

        assertThat(sent.get(0)).doesNotContain("\n").doesNotContain("\r");
    }

    @Test
    void listenersHearWhatBelongsToNoCall() {
        List<String> heard = new ArrayList<>();
        switchboard.listen().subscribe(json -> heard.add(text(json)));

        arrives("{'jsonrpc':'2.0','method':'notifications/tools/list_changed'}");

        assertThat(heard).hasSize(1);
    }

    @Test
    void subscriptionsHearOnlyWhatNamesThem() {
        AtomicReference<Object> outcome = asked(
                "{'jsonrpc':'2.0','id':'listen-1','method':'subscriptions/listen','params':{'notifications':{}}}");

        arrives("{'jsonrpc':'2.0','method':'notifications/tools/list_changed','params':"
                + "{'_meta':{'io.modelcontextprotocol/subscriptionId':1}}}");
        arrives("{'jsonrpc':'2.0','method':'notifications/tools/list_changed','params':"
                + "{'_meta':{'io.modelcontextprotocol/subscriptionId':5}}}");

        List<String> heard = new ArrayList<>();
        ((Outcome.Messages) outcome.get()).json().subscribe(json -> heard.add(text(json)));
        assertThat(heard).hasSize(1);
        assertThat(heard.get(0)).contains("\"io.modelcontextprotocol/subscriptionId\":\"listen-1\"");
        assertThat(switchboard.underWay()).isZero();
    }

    @Test
    void questionOfTheServerGoesToTheOnlyCallAndIsDeclinedWhenThereIsNone() {
        arrives("{'jsonrpc':'2.0','id':'q1','method':'sampling/createMessage','params':{}}");
        arrives("{'jsonrpc':'2.0','id':'q2','method':'ping'}");
        AtomicReference<Object> call = asked("{'jsonrpc':'2.0','id':1,'method':'tools/call'}");
        arrives("{'jsonrpc':'2.0','id':'q3','method':'sampling/createMessage','params':{}}");

        assertThat(sent.get(0)).contains("\"q1\"").contains("error");
        assertThat(sent.get(1)).contains("\"q2\"").contains("result");
        assertThat(call.get()).isInstanceOf(Outcome.Messages.class);
    }

    @Test
    void brokenChannelFailsWhoWaitsAndWhoComesLater() {
        AtomicReference<Object> waiting = asked("{'jsonrpc':'2.0','id':1,'method':'tools/call'}");
        BackendFailure why = BackendFailure.unavailable("time", "it went away", Duration.ofSeconds(1));

        switchboard.broken(why);

        assertThat(waiting).hasValue(why);
        assertThat(asked("{'jsonrpc':'2.0','id':2,'method':'tools/call'}")).hasValue(why);
    }

    @Test
    void callThatIsNotReadFailsInsteadOfFillingTheMemory() {
        AtomicReference<Object> outcome =
                asked("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'_meta':{'progressToken':1}}}");
        for (int i = 0; i < 5000; i++) {
            arrives("{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':1,'progress':" + i
                    + "}}");
        }

        AtomicReference<Throwable> failed = new AtomicReference<>();
        List<byte[]> got = new ArrayList<>();
        ((Outcome.Messages) outcome.get()).json().subscribe(got::add, failed::set);

        assertThat(got).hasSizeLessThan(5000);
        assertThat(failed.get()).hasMessageContaining("stopped reading");
        assertThat(sent.get(1)).contains("notifications/cancelled");
    }
}
