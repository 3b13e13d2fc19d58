// Finds the program of the package that npm installed for this platform.
"use strict";

/** The path of the program, or undefined if its package is not installed. */
function program() {
  const name = process.platform === "win32" ? "wald.exe" : "wald";
  try {
    return require.resolve(`@wald/${process.platform}-${process.arch}/bin/${name}`);
  } catch {
    return undefined;
  }
}

module.exports = { program };
