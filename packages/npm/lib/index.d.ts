// The types of the API.

/** Bytes with the name that messages show. */
export interface InputFile {
  /** A relative path without `..`. Several inputs may have one name. */
  name: string;
  data: Uint8Array;
}

export interface Request {
  /** Paths of files, or bytes with names, in the order of the link. */
  inputs: Iterable<string | InputFile>;
  /** Further arguments, as in `wald ARGS INPUTS`. Not `-o`: the module is in the result. */
  args?: Iterable<string>;
  /** The file name by which the module calls itself in its name section. By default, `app.wasm`. No such file is written. */
  output?: string;
  /** What paths are relative to. By default, the working directory of the process. */
  cwd?: string;
  /** Cancels the link. The promise is then rejected. */
  signal?: AbortSignal;
}

/** A place in the inputs. */
export interface Location {
  path?: string;
  /** The archive member. */
  member?: string;
  /** In bytes from the start of the object. */
  offset?: number;
  symbol?: string;
  /** The source code, if the object has debug information about it. */
  source?: { file: string; line?: number; column?: number; function?: string };
}

export interface Note {
  text: string;
  locations: Location[];
}

/** What a tool can change. Later versions may have more kinds. */
export type Fix =
  | { kind: "add-argument"; argument: string }
  | { kind: "remove-argument"; argument: string }
  | { kind: "replace-argument"; from: string; to: string }
  | { kind: "replace-symbol"; from: string; to: string; locations: Location[] }
  | { kind: "add-compiler-flag"; flag: string; locations: Location[] }
  | { kind: "use-driver"; driver: string };

export interface Help {
  text: string;
  fix: Fix | null;
}

export interface Diagnostic {
  severity: "error" | "warning" | "note";
  /** Such as `W0004`. It never changes. */
  code: string;
  /** Such as `undefined-symbol`. It never changes. */
  name: string;
  /** wasm-ld's words. */
  message: string;
  location: Location | null;
  notes: Note[];
  helps: Help[];
  /** All of it, as the command prints it. */
  rendered: string;
}

export interface Result {
  /** The module; null if the link failed. Then at least one diagnostic is an error. */
  module: Uint8Array | null;
  diagnostics: Diagnostic[];
  /** The command's exit code: 0 if the link succeeded. */
  exitCode: number;
  /** What the command prints, such as the map of `--print-map`. */
  stdout: string;
  /** Diagnostics and other messages as text. */
  stderr: string;
}

/** Links. Rejects only if the linker cannot be started: mistakes in inputs and arguments are diagnostics. */
export function link(request: Request): Promise<Result>;

/** The path of the program for this platform, or undefined if its package is not installed. */
export function program(): string | undefined;
