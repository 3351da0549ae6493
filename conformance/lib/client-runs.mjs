export const clientRuns = () => [];
export const runClient = async () => ({});
