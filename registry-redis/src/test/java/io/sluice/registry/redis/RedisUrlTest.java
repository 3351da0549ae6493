package io.sluice.registry.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RedisUrlTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "redis://localhost redis://localhost:6379",
                "redis://user:s3cret@redis.example:7000/2 redis://redis.example:7000",
                "rediss://:s3cret@redis.example rediss://redis.example:6379",
                "redis-sentinel://s3cret@a.example:26379,b.example:26380/0#main"
                        + " redis-sentinel://a.example:26379,b.example:26380#main",
                "redis-cluster://user:s3cret@a.example:7001,b.example:7002"
                        + " redis-cluster://a.example:7001,b.example:7002",
                "rediss-cluster://a.example rediss-cluster://a.example:6379"
            })
    void urlIsUnderstoodAndShownWithoutItsPassword(String text, String shown) {
        RedisUrl url = RedisUrl.parse(text);

        assertThat(url).hasToString(shown);
        assertThat(url.isCluster()).isEqualTo(text.contains("-cluster"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "localhost:6379",
                "http://user:s3cret@localhost",
                "redis://",
                "redis://user:s3cret@",
                "redis://user:s3cret@host:port",
                "redis-sentinel://s3cret@a.example:26379"
            })
    void whatIsNoRedisUrlIsRefusedWithoutRepeatingIt(String text) {
        assertThatThrownBy(() -> RedisUrl.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the Redis URL")
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void keysOfOneClusterShareOneSlot() {
        RedisSettings settings = RedisSettings.of("redis://localhost", "blue");

        assertThat(settings.key("meta")).isEqualTo("{sluice:blue}:meta");
    }
}
