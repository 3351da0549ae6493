package io.sluice.egress;

import inet.ipaddr.AddressStringException;
import inet.ipaddr.IPAddress;
import inet.ipaddr.IPAddressNetwork.IPAddressGenerator;
import inet.ipaddr.IPAddressString;
import inet.ipaddr.IPAddressStringParameters;
import java.net.InetAddress;
import java.util.List;

/** Addresses and CIDR blocks, as a configuration lists them. */
public final class AddressRanges {
    public static final AddressRanges NONE = new AddressRanges(List.of());

    private static final IPAddressGenerator ADDRESSES = new IPAddressGenerator();

    // plain addresses and prefixes only: the library's wildcards, ranges and short forms would surprise a reader
    private static final IPAddressStringParameters PLAIN = new IPAddressStringParameters.Builder()
            .allowEmpty(false)
            .allowAll(false)
            .allowMask(false)
            .allowPrefixOnly(false)
            .allowWildcardedSeparator(false)
            .allow_inet_aton(false)
            .allowSingleSegment(false)
            .toParams();

    private final List<IPAddress> blocks;

    private AddressRanges(List<IPAddress> blocks) {
        this.blocks = blocks;
    }

    /**
     * Ranges from a configuration's words.
     *
     * @throws IllegalArgumentException with a sentence for the reader when an entry is not an address or a CIDR block
     */
    public static AddressRanges of(List<String> texts) {
        return new AddressRanges(texts.stream().map(AddressRanges::parse).toList());
    }

    public boolean isEmpty() {
        return blocks.isEmpty();
    }

    /** Whether the address lies in one of the ranges; an IPv4 address inside an IPv6 one counts as itself. */
    public boolean contains(InetAddress address) {
        return contains(plain(address));
    }

    boolean contains(IPAddress plain) {
        for (IPAddress block : blocks) {
            if (block.contains(plain)) {
                return true;
            }
        }
        return false;
    }

    /** The address that is meant, freed of prefix length, zone and IPv6 wrapping. */
    static IPAddress plain(InetAddress address) {
        return Reach.unwrapped(ADDRESSES.from(address.getAddress()));
    }

    private static IPAddress parse(String text) {
        try {
            IPAddress block = new IPAddressString(text, PLAIN).toAddress();
            if (block != null && (block.isPrefixed() ? block.isPrefixBlock() : !block.isMultiple())) {
                return Reach.unwrapped(block);
            }
        } catch (AddressStringException ignored) {
            // answered below, in our words
        }
        throw new IllegalArgumentException("'" + text + "' is not an IP address or a CIDR block such as 10.0.0.0/8");
    }
}
