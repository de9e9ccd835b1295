/**
 * Artifacts: bytes of components, kept under their digest.
 *
 * Guarantees
 *   AR1  What is given out under a digest has that digest: it is computed anew at every read, and what differs is refused.
 *   AR2  An artifact is there whole or not at all, whenever the process or the machine ends.
 *   AR3  A check that was given, of signatures or of origin, has passed before anybody gets the bytes.
 * Limits      512 MiB each; who may write the folder may remove what is in it, and change nothing unseen.
 * Not here    where artifacts come from besides files, and signatures: both are an {@link ArtifactCheck} and a call of `put`;
 *             which application uses which (config/).
 *
 * @module
 */
export { type ArtifactCheck, type ArtifactInfo, ArtifactStore } from './artifact-store.ts';
export { artifactPath, digestOfArtifact, isDigest } from './digest.ts';
