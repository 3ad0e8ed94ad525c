/**
 * Classes of Node.js that all test files of one process of jest share. If a file leaves one changed, the next one fails
 * here and says so, instead of waiting for ever for what no longer comes.
 */
const shared = {
  AbortController,
  AbortSignal,
  Event,
  EventTarget,
  Headers,
  Request,
  Response,
  URL,
  URLSearchParams,
};
const asItWas = Symbol.for('dataloop-cross-account: as the first test file found it');

for (const [name, { prototype }] of Object.entries(shared)) {
  const owner = Reflect.get(shared, name);
  const members = [owner, prototype].flatMap((each) =>
    Reflect.ownKeys(each)
      .filter((key) => key !== asItWas)
      .map((key) => {
        const { value, get } = Reflect.getOwnPropertyDescriptor(each, key) ?? {};
        return { key, is: value ?? get };
      }),
  );
  const before: unknown = Reflect.get(owner, asItWas);
  if (!Array.isArray(before)) {
    Reflect.defineProperty(owner, asItWas, { value: members });
    continue;
  }
  const changed = members.filter(({ key, is }) => before.every((each) => each.key !== key || each.is !== is));
  if (changed.length > 0 || members.length !== before.length) {
    const which = changed.map(({ key }) => String(key)).join(', ');
    throw new Error(
      `An earlier test file changed ${name} (${which}) for all files of this process. Restore it there, in afterAll.`,
    );
  }
}
