// Runs a program that verifies, for the tests: the program's path, then cases on stdin, answers on stdout.
import { readFileSync } from "node:fs";

const { verify } = await import(process.argv[2]);
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(({ headers, body }) => verify(headers, Buffer.from(body, "base64")))));
