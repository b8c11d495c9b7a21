// YAML for reading: names, texts, numbers and comments; templates stand out as in other fields.

import { StreamLanguage, type StreamParser } from "@codemirror/language";

const parser: StreamParser<null> = {
  startState: () => null,
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    if (stream.match(/^- /)) return null;
    if (stream.match(/^[\w.$-]+(?=:(\s|$))/) || stream.match(/^"(?:[^"\\]|\\.)*"(?=:(\s|$))/)) return "propertyName";
    if (stream.match(/^\$\$[^$\s]+\$\$/)) return "variableName";
    if (stream.match(/^"(?:[^"\\]|\\.)*"/) || stream.match(/^'(?:[^']|'')*'/)) return "string";
    if (stream.match(/^-?\d+(\.\d+)?(?=\s|,|\]|$)/)) return "number";
    if (stream.match(/^(true|false|null)(?=\s|,|\]|$)/)) return "bool";
    if (!stream.match(/^[^\s$"'#]+/)) stream.next();
    return null;
  },
};

export const yamlLanguage = StreamLanguage.define(parser);
