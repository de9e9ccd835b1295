/**
 * Projects: components from source to file. `troupe new` writes one, `troupe build` builds it.
 *
 * Guarantees
 *   PR1  A project is written whole into a folder of its own, or not at all; no file is overwritten.
 *   PR2  A build that would change nothing does nothing; one that fails leaves the component as it was.
 *   PR3  Compilers are optional: the project's own is taken first, and one that is missing is named with how to install it.
 * Limits      languages: TypeScript, JavaScript, AssemblyScript, Rust and C. A source is trusted as its author: compilers run
 *             with the rights of whoever builds.
 * Not here    what runs inside the component (guest/), what it is and needs (runtime/).
 *
 * @module
 */
export { type BuildOptions, type BuildResult, buildComponent } from './build.ts';
export { type CreatedProject, type CreateOptions, createProject } from './create.ts';
export type { TemplateKind, TemplateLanguage } from './templates.ts';
