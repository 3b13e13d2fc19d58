/** The bytes of a file. */
export type FileBytes = Uint8Array | ArrayBuffer;

/** Files by path. */
export type Files = Record<string, FileBytes> | Map<string, FileBytes>;

/** An object, an archive or a stub library. */
export interface Input {
  /** Its path, as messages name it. */
  name: string;
  bytes: FileBytes;
}

/** What a result contains besides the module. */
export interface Extras {
  /** The size report: `true` or `'json'` as JSON, `'html'` as a page. */
  report?: boolean | 'json' | 'html';
  /** The link map. */
  map?: boolean;
}

export interface Job extends Extras {
  /** Inputs that `args` does not name follow it, in this order. */
  inputs?: Input[];
  /** Options as of the `wald` command. Without `-o`, the output is `a.out.wasm`. */
  args?: string[];
  /** What `-l`, `-L`, response files and thin archives look up. */
  files?: Files;
}

/** A place in an input, and in the source code if that is known. */
export interface Location {
  path: string;
  member?: string;
  offset?: number;
  symbol?: string;
  source?: { file: string; line: number; column?: number; function?: string };
}

/** An error, a warning or a note: an object of `--diagnostics-format=json`. */
export interface Diagnostic {
  type: 'diagnostic';
  severity: 'error' | 'warning' | 'note';
  /** Such as `W0004`. */
  code: string;
  name: string;
  message: string;
  location: Location | null;
  notes: { text: string; locations: Location[] }[];
  helps: { text: string; fix: { kind: string; [key: string]: unknown } | null }[];
  /** As the command prints it. */
  rendered: string;
}

export interface LinkResult {
  /** 0 if the module was written. */
  exitCode: number;
  /** `undefined` if the link failed, or if the output is standard output. */
  module: Uint8Array | undefined;
  diagnostics: Diagnostic[];
  /** If it was asked for. */
  report: string | undefined;
  /** If it was asked for. */
  map: string | undefined;
  /** Lines on standard error that are not diagnostics. */
  messages: string[];
  /** What options print, such as `--print-map` and `--trace`. */
  stdout: string;
  /** Files that other options wrote, by path. */
  outputs: Map<string, Uint8Array>;
}

/** What a command printed and wrote. */
export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** The output. */
  module: Uint8Array | undefined;
  /** All other files. */
  outputs: Map<string, Uint8Array>;
}

/** A group of options in the option table. */
export interface OptionGroup {
  title: string;
  options: {
    /** All ways to write it, such as `--entry=<symbol>`. */
    spellings: string[];
    takesValue: boolean;
    help: string;
    detail: string;
  }[];
}

export class Wald {
  /**
   * Loads the linker. `source` is its module (`wald.wasm`): bytes, a URL, a response or a compiled module. By default, the file in this
   * package.
   */
  static load(
    source?: URL | string | Response | FileBytes | WebAssembly.Module | Promise<URL | string | Response | FileBytes | WebAssembly.Module>,
  ): Promise<Wald>;
  /** Links. Rejects with {@link LinkerStopped} only if Wald itself fails; what is wrong with inputs is in the result. */
  link(job: Job): Promise<LinkResult>;
  /** Runs the command, such as `wald.run(['--help'])`. */
  run(args: string[], files?: Files): Promise<RunResult>;
  /** A linker that is kept: after an edit, only what changed is read. Inputs in `args` are read from `files`, and come first. */
  linker(args?: string[], extras?: Extras & { files?: Files }): Linker;
  /** The option table. */
  readonly options: OptionGroup[];
}

/** Links with a linker that is loaded once. */
export function link(job: Job): Promise<LinkResult>;

/** The number of an input. */
export type InputId = number;

export interface Linker {
  /** Declares the next input. The order of declarations is the order of a command line. */
  declare(name: string, how?: { lazy?: boolean; wholeArchive?: boolean }): InputId;
  /** Provides an input, in any order. */
  provide(id: InputId, input: FileBytes | Unit): void;
  /** Forgets what was provided, and provides `input` if it is given. */
  replace(id: InputId, input?: FileBytes | Unit): void;
  /** Removes an input for good. */
  remove(id: InputId): void;
  /** A new unit for this linker. */
  unit(): Unit;
  /** Links. Inputs can be replaced afterwards, and linked again. */
  finish(): Promise<LinkResult>;
  /** As `finish`, at once. */
  finishSync(): LinkResult;
}

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref';

/** A place in which the link writes an index or an address. */
export interface Relocation {
  /** The convention's name, such as `R_WASM_FUNCTION_INDEX_LEB`. */
  type: string;
  /** Offset in the bytes. */
  offset: number;
  /** The name of a symbol of this unit. */
  symbol: string;
  addend?: number;
}

/** A symbol of a unit: either a function or data. */
export interface SymbolDescription {
  /** The body of a function (locals and instructions with the final `end`, without the size), or data. */
  bytes?: Uint8Array;
  function?: { parameters?: ValueType[]; results?: ValueType[]; exportName?: string };
  data?: { segment: string; alignment?: number; flags?: number };
  /** It is defined elsewhere. */
  undefined?: boolean;
  /** An undefined function is imported under this name. */
  import?: { module: string; name: string };
  relocations?: Relocation[];
  binding?: 'global' | 'weak' | 'local';
  hidden?: boolean;
  exported?: boolean;
  /** It is linked even if nothing refers to it. */
  keep?: boolean;
}

/** Functions and data from memory instead of an object. */
export interface Unit {
  /** Adds a symbol, or gives it another definition. */
  define(name: string, description: SymbolDescription): void;
  /** Removes a symbol. Nothing else may refer to it. */
  remove(name: string): void;
}

/** Wald itself failed, or its memory is exhausted. The next link works again; a kept linker does not. */
export class LinkerStopped extends Error {}
