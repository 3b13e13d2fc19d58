// Is only compiled, with the package's types: tsc --noEmit --strict.
import { link, program, type Diagnostic, type Result } from "@wald/linker";

const memory = { name: "b.o", data: new Uint8Array() };
const result: Result = await link({ inputs: ["a.o", memory], args: ["--strip-all"], signal: AbortSignal.timeout(1000) });
const diagnostics: Diagnostic[] = result.diagnostics;
for (const { helps, location } of diagnostics) {
  for (const { fix } of helps) {
    const replaced: string | undefined = fix?.kind === "replace-symbol" ? fix.from : undefined;
    const line: number | undefined = location?.source?.line;
    console.log(replaced, line);
  }
}
const size: number = result.module?.length ?? 0;
const path: string | undefined = program();
console.log(size, path);

// @ts-expect-error: a number is not an input.
await link({ inputs: [3] });
