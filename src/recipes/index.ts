/**
 * Functions for common needs. Each is a small file that uses the high-level API only. All recipes of a thread share one kqueue, which
 * exists while they watch something. They keep the process running only while the program waits.
 *
 * @module
 */

export type { Changes } from './changes.ts';
export { type ExitWithParentOptions, exitWithParent, type ParentWatch } from './exit-with-parent.ts';
export { exited } from './exited.ts';
export { type FollowOptions, followFile } from './follow-file.ts';
export type { RecipeOptions, TimeoutOptions } from './options.ts';
export { readable, writable } from './ready.ts';
export { type Tick, type TickOptions, ticks } from './ticks.ts';
export { type NameChange, watchDirectory } from './watch-directory.ts';
export { type FileChange, watchFile } from './watch-file.ts';
