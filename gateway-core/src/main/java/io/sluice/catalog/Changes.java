package io.sluice.catalog;

import java.util.Map;

/**
 * Which lists differ between two catalogs.
 *
 * @param mounts by the mount's name; mounts whose lists are all the same are absent
 */
public record Changes(Map<String, Lists> mounts) {
    /**
     * The lists of one mount that differ.
     *
     * @param resources whether resources or resource templates differ; one notification stands for both
     */
    public record Lists(boolean tools, boolean prompts, boolean resources) {
        static final Lists NONE = new Lists(false, false, false);

        public boolean any() {
            return tools || prompts || resources;
        }
    }

    public Changes {
        mounts = Map.copyOf(mounts);
    }

    public Lists of(String mount) {
        return mounts.getOrDefault(mount, Lists.NONE);
    }

    public boolean isEmpty() {
        return mounts.isEmpty();
    }
}
