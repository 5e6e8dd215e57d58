/** A parameter of a tool. */
export interface Field {
  type: 'string' | 'strings' | 'number' | 'boolean';
  description: string;
  required?: true;
  /** Of a string: one of these. */
  choices?: readonly string[];
  /** Of a number. */
  least?: number;
  most?: number;
}

export type Fields = Readonly<Record<string, Field>>;

interface Types {
  string: string;
  strings: string[];
  number: number;
  boolean: boolean;
}

/** What the assistant gave, checked against the fields. */
export type Given<F extends Fields> = {
  [Name in keyof F]: Types[F[Name]['type']] | (F[Name] extends { required: true } ? never : undefined);
};

/** What the server was started with. */
export interface ToolContext {
  /** Processes may be attached to, paused for longer, profiled, started. */
  allowActions: boolean;
}

/** The answer of a tool, before it is quoted and cut. */
export interface Answer {
  /** In the order in which they are to be read. */
  facts: Readonly<Record<string, unknown>>;
  /** The worst first: if there is no room for all, the last ones are left out. */
  entries?: { name: string; all: readonly unknown[]; most?: number };
}

/** What an assistant can ask for. Descriptions hold nothing of what was observed. */
export interface Tool<F extends Fields = Fields> {
  id: string;
  title: string;
  description: string;
  /** Attaches to, signals or changes a process, or starts one: only with --allow-actions. */
  isAction: boolean;
  fields: F;
  /** Throws UserError. */
  run(given: Given<F>, context: ToolContext): Promise<Answer> | Answer;
}
