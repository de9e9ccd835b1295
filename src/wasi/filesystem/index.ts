/**
 * `wasi:filesystem`: the files below granted folders, and no others.
 *
 * Guarantees
 *   F1  No path, link or race leads out of a granted folder: paths are walked descriptor by descriptor, links by hand.
 *   F2  Only regular files and directories are opened, and looked at before: a FIFO or a device cannot hold a guest up.
 *   F3  What the folder's rights do not cover answers `not-permitted`.
 *   F4  Files are opened, read and written off the calling thread; at most two operations of one guest at a time.
 *   F5  A descriptor is closed when its last user is done, and when the guest is disposed of; none is ever used after.
 *   F6  Failures are the guest's results and name no path of the host.
 * Limits      by default 64 files, directories and directory streams open; 256 file streams; 64 KiB a stream and
 *             1 MiB a `read`; 40 links, 1,024 steps and 128 directories deep in one path of 4,096 bytes. Times are set
 *             to a quarter of a microsecond. Linux with /proc only: elsewhere a grant is refused by name.
 * Not here    quotas; who is granted what (capability/, config/).
 *
 * @module
 */
export { FILE_SETTINGS, FILE_SYSTEM, type FileSettings } from './descriptor.ts';
export { FILESYSTEM_INTERFACES } from './interfaces.ts';
export { assertFoldersSupported } from './preopens.ts';
