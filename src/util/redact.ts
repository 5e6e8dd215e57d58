const SECRET_FLAG = /(token|password|passwd|secret|key|credential|auth)/i;
const URL_PATTERN = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/@]*@)?([^\s?#]*)(\?[^\s#]*)?(#\S*)?/gi;

/** Removes user info, query and fragment of every URL in a text. */
export function redactUrls(text: string): string {
  return text.replace(URL_PATTERN, (_all, scheme: string, user: string | undefined, rest: string, query?: string) => {
    return `${scheme}${user ? '***@' : ''}${rest}${query ? '?***' : ''}`;
  });
}

/** A command line without secrets: values of `--*token/password/secret/key*` flags, assignments alike, parts of URLs. */
export function redactArguments(argv: readonly string[]): string[] {
  let hideNext = false;
  return argv.map((argument) => {
    if (hideNext && !argument.startsWith('-')) {
      hideNext = false;
      return '***';
    }
    hideNext = false;
    const assignment = /^(-{0,2}[\w.-]+)=([\s\S]*)$/.exec(argument);
    if (assignment?.[1] && SECRET_FLAG.test(assignment[1])) return `${assignment[1]}=***`;
    hideNext = /^-{1,2}[\w.-]+$/.test(argument) && SECRET_FLAG.test(argument);
    return redactUrls(argument);
  });
}
