/** They look at the whole account, or turn off what others need: one after the other, and nothing beside them. */
const alone = [
  'integration/api',
  'integration/callback',
  'integration/contract',
  'integration/list',
  'integration/operator',
  'integration/plan',
  'integration/sandbox',
  'integration/upgrade',
  'integration/watchdog',
  'security/credentials',
  'security/hostile-requests',
].map((name) => `<rootDir>/test/${name}.test.ts`);

/** Unit tests touch no network; integration tests share one deployment, which test/run.ts makes. */
const project = {
  testEnvironment: 'node',
  // Otherwise jest looks at every file of the Python tools.
  roots: ['<rootDir>/test'],
  // By default it is in the folder for temporary files, under a name that other users of the machine know.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  extensionsToTreatAsEsm: ['.ts'],
  setupFiles: ['<rootDir>/test/shared-globals.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
};

export default {
  // People who run them wait for them; jest by itself leaves one core free.
  maxWorkers: '100%',
  projects: [
    { ...project, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    // What a bundler makes, run in a process or a browser of its own.
    { ...project, displayName: 'built', testMatch: ['<rootDir>/test/built/*.test.ts'] },
    { ...project, displayName: 'alone', testMatch: alone },
    // Each uses names of its own.
    {
      ...project,
      displayName: 'side-by-side',
      testMatch: ['<rootDir>/test/{integration,security,statemachines}/**/*.test.ts'],
      testPathIgnorePatterns: alone,
    },
    // The last: what all others left behind is searched.
    { ...project, displayName: 'afterwards', testMatch: ['<rootDir>/test/afterwards/*.test.ts'] },
  ],
};
