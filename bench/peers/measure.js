/** Nanoseconds for each of `count` things that `work` does; as for the project's own actors. */
export async function timed(count, work) {
  const startMs = performance.now();
  await work();
  return ((performance.now() - startMs) / count) * 1e6;
}
