/**
 * What an adversarial review found that the attack suite had not, each by its name: the tests that hold it, and the old
 * behaviour as a change of today's sources, with a test that must fail on it.
 */

interface Change {
  readonly file: string;
  /** The text in the file, which has it once, and what stands there instead. */
  readonly now: string;
  readonly before: string;
}

/** Puts an old behaviour back. */
interface OldBehaviour extends Change {
  readonly what: string;
  /** Where it takes more than one change. */
  readonly also?: Change;
  /** The test that must fail, by its file and a part of its name. */
  readonly failing: readonly [file: string, name: string];
}

interface Finding {
  readonly name: string;
  /** As in docs/security.md. */
  readonly proofs: string;
  readonly old: readonly OldBehaviour[];
}

const role = 'src/domain/resources/role';
const roleTests = 'test/unit/domain/resources/role';
const dataloop = 'src/domain/resources/dataloop';
const takeover = 'test/unit/security/takeover.test.ts';
const byDefault = 'and no more, with the parameters "default"';
const adopting = 'and no more, with the parameters "adopting"';

/** The changes that put an old behaviour back. */
export const changesOf = ({ also, ...first }: OldBehaviour): readonly Change[] => [
  first,
  ...(also ? [also] : []),
];

export const findings: readonly Finding[] = [
  {
    name: '1. every step’s role rewrote any field of any record',
    proofs: `\`test/security/attacks.test.ts\`: "rewrites only those attributes of a record that are its business";
      \`test/unit/security/forged-records.test.ts\`: "every attribute is tried that any session may write"`,
    old: [
      {
        what: 'no role names the attributes that its function writes',
        file: 'resources/iam/statements/dynamodb.ts',
        now: 'Condition: { ...onlyItems(records), ...onlyAttributes(...new Set(attributes)) },',
        before: 'Condition: { ...onlyItems(records), ...(attributes.length < 0 && onlyAttributes()) },',
        failing: ['test/unit/security/forged-records.test.ts', 'every attribute is tried'],
      },
    ],
  },
  {
    name: '1a. a forged added bucket was granted, and its test passed',
    proofs: `\`test/security/chains.test.ts\`: "is granted by no next step, and Dataloop cannot read it";
      \`test/unit/domain/resources/role/granted.test.ts\`: "every bucket must be one that this deployment may connect"`,
    old: [
      {
        what: 'GrantAccess grants what the integration’s record says, and no record of the bucket’s',
        file: `${role}/granted.ts`,
        now: `throw recordDamaged(integration.id, \`drivers.\${id}\`);`,
        before: `const { bucket, dataloop } = said;
    const { request } = integration;
    return bucket === undefined
      ? []
      : [{ ...integration, id, request: { ...request, bucket: { ...request.bucket, ...bucket }, dataloop: { ...request.dataloop, ...dataloop } } }];`,
        failing: [
          'test/unit/security/forged-records.test.ts',
          'of several stolen sessions together, whatever they write, and when',
        ],
      },
      {
        what: 'GrantAccess grants buckets outside of the pattern',
        file: `${role}/granted.ts`,
        now: 'for (const record of [integration, ...added]) refuseOutside(record, allowed);',
        before: 'if (added.length > 1_000) refuseOutside(integration, allowed);',
        failing: [
          `${roleTests}/granted.test.ts`,
          'every bucket must be one that this deployment may connect',
        ],
      },
    ],
  },
  {
    name: '1b. a forged original of an adopted role’s trust policy was written',
    proofs: `\`test/security/chains.test.ts\`: "of an adopted role’s trust policy lets no stranger in";
      \`test/unit/domain/resources/role/adopt.test.ts\`: "does not write what a forged record calls the original"`,
    old: [
      {
        what: 'DeleteRole writes what the record calls the original',
        file: `${role}/adopt.ts`,
        now: 'document: (isOriginal && change?.before) || document };',
        before: 'document: (isOriginal && change?.before) || change?.before || document };',
        failing: [`${roleTests}/adopt.test.ts`, 'does not write what a forged record calls the original'],
      },
    ],
  },
  {
    name: '1c. a forged operator and organisation made another tenant’s user trusted',
    proofs: `\`test/security/chains.test.ts\`: "an operator’s forged word, and a forged organisation, make nobody trusted";
      \`test/unit/functions/create-role-trust.test.ts\`: "a record that asks for what the deployment does not allow is not obeyed", "an organisation that only the record names is not asked", "an integration of another name is not asked"`,
    old: [
      {
        what: 'CreateRole asks the organisation that the record names',
        file: `${dataloop}/organization.ts`,
        now: 'if (confirmed === organizationId) return organizationId;',
        before: 'if (confirmed !== "") return organizationId;',
        failing: [
          'test/unit/functions/create-role-trust.test.ts',
          'an organisation that only the record names is not asked',
        ],
      },
      {
        what: 'CreateRole trusts the user of whatever integration the record names',
        file: `${dataloop}/integration.ts`,
        now: 'if (isOurs(step, found)) return found;',
        before: 'if (isOurs(step, found) || found.id !== "") return found;',
        failing: [
          'test/unit/functions/create-role-trust.test.ts',
          'an integration of another name is not asked, although the journal has its id',
        ],
      },
    ],
  },
  {
    name: '1d. forged ids at Dataloop removed what was somebody else’s',
    proofs: `\`test/security/chains.test.ts\`: "forged ids at Dataloop remove nothing of somebody else’s";
      \`test/unit/domain/resources/dataloop/integration.test.ts\`: "leaves one that has our id in the journal and another name"`,
    old: [
      {
        what: 'DeleteIntegration deletes what has the id or the name',
        file: `${dataloop}/integration.ts`,
        now: 'own: all.filter((each) => isNamedOurs(step, each)),',
        before: 'own: all.filter((each) => isNamedOurs(step, each) || each.id === known?.id),',
        failing: [
          'test/unit/domain/resources/dataloop/integration.test.ts',
          'leaves one that has our id in the journal and another name',
        ],
      },
      {
        what: 'DeleteDriver deletes what has the id',
        file: `${dataloop}/driver.ts`,
        now: 'own: all.filter((driver) => isAsCreated(driver) && (hasAnyId(known) || driver.id === known?.id)),',
        before: 'own: all.filter((driver) => isAsCreated(driver) || driver.id === known?.id),',
        failing: [
          'test/unit/security/forged-records.test.ts',
          'of several stolen sessions together, whatever they write, and when',
        ],
      },
    ],
  },
  {
    name: '2. the deployment bucket was within the pattern of buckets',
    proofs: `\`test/unit/security/takeover.test.ts\`: "the deployment bucket is denied to no role", "the boundary does not deny the deployment bucket";
      \`test/security/attacks.ts\`: "write code into the deployment bucket";
      \`test/security/created-role.test.ts\`: "the deployment bucket, which the pattern matches"`,
    old: [
      {
        what: 'the boundary lets roles into the deployment bucket',
        file: 'resources/boundary.yml',
        now: `          - Sid: NotTheDeploymentBucket
            Effect: Deny`,
        before: `          - Sid: NotTheDeploymentBucket
            Effect: Allow`,
        failing: [takeover, adopting],
      },
    ],
  },
  {
    name: '3. CreateBucket let readers into every bucket of the pattern, also of other stages',
    proofs: `\`test/unit/security/takeover.test.ts\`: "a function may write the policy of a bucket by default", "two stolen sessions give what docs/security.md says, and no more";
      \`test/security/attacks.ts\`: "put a policy on a bucket of ours"`,
    old: [
      {
        what: 'CreateBucket may write the policies of buckets by default',
        file: 'resources/boundary.yml',
        now: `  DeniesPlainHttp: !Equals ["\${self:custom.parameters.denyPlainHttp}", "true"]`,
        before: '  DeniesPlainHttp: !Equals ["true", "true"]',
        failing: [takeover, byDefault],
      },
      {
        what: 'the default pattern matches the buckets of every stage',
        file: 'serverless.yml',
        now: `    bucketNamePattern: dataloop-\${sls:stage}-*\n`,
        before: '    bucketNamePattern: dataloop-*\n',
        failing: [takeover, byDefault],
      },
    ],
  },
  {
    name: '4. a long name at Dataloop filled the record, and its undo could not be written',
    proofs: `\`test/unit/schedules/schedules.test.ts\`: "fills no record with it", "is undone, also when an earlier version let it fill a record";
      \`test/integration/side-by-side/long-names.test.ts\``,
    old: [
      {
        what: 'the name of an integration has no end',
        file: 'src/clients/dataloop/answers.ts',
        now: '  .pipe(shown(longest.name));',
        before: '',
        also: {
          file: 'src/domain/model/record.ts',
          now: '=> resourceSchema.parse(resource);',
          before: '=> resource;',
        },
        failing: ['test/unit/schedules/schedules.test.ts', 'fills no record with it'],
      },
    ],
  },
  {
    name: '5. access lasted until Dataloop had answered',
    proofs: `\`test/security/cut-off.test.ts\`;
      \`test/unit/statemachines/machines.test.ts\`: "access has had its turn before anything waits or asks Dataloop"`,
    old: [
      {
        what: 'the undo deletes the driver at Dataloop before the role',
        file: 'statemachines/deprovision.ts',
        now: `Input.kind = 'integration' %}": 'DeleteRole',`,
        before: `Input.kind = 'integration' %}": 'DeleteDriver',`,
        failing: [
          'test/unit/statemachines/machines.test.ts',
          'access has had its turn before anything waits or asks Dataloop',
        ],
      },
    ],
  },
  {
    name: '6. a policy with our tag was used without being read',
    proofs: `\`test/unit/domain/resources/role/policy.test.ts\`: "does not use a policy with our tag that says something else";
      \`test/unit/domain/resources/role/shared-policies.test.ts\`: "because %s, it is left so", "and somebody edited since, is left as it is"`,
    old: [
      {
        what: 'CreatePolicy and CreateRole compare no document',
        file: `${role}/policy.ts`,
        now: 'each) => sameJson(document, each));',
        before: 'each) => sameJson(document, each) || document);',
        failing: [
          `${roleTests}/policy.test.ts`,
          'does not use a policy with our tag that says something else',
        ],
      },
      {
        what: 'GrantAccess writes on in a policy without comparing hashes',
        file: `${role}/shared-policies.ts`,
        now: `    [...writtenSoFar(known, desired), hash(permissionPolicy(roughGrantsOf(record, desired, key)))].includes(
      hash(found.document),
    )`,
        before: `    [...writtenSoFar(known, desired), hash(permissionPolicy(roughGrantsOf(record, desired, key)))].length > 0`,
        failing: [`${roleTests}/shared-policies.test.ts`, 'because somebody added something, it is left so'],
      },
      {
        what: 'GrantAccess takes over one more policy without comparing hashes',
        file: `${role}/grant-access.ts`,
        now: '  if (!isWritten(found.document)) {',
        before: '  if (!isWritten(found.document) && found.document === undefined) {',
        failing: [`${roleTests}/shared-policies.test.ts`, 'and somebody edited since, is left as it is'],
      },
    ],
  },
  {
    name: '7. who took the name of a bucket that was gone received what Dataloop wrote',
    proofs: `\`test/security/created-role.test.ts\`: "who takes the name of a bucket that is gone receives nothing";
      \`test/unit/domain/model/permission-policy.test.ts\`: "is the guide’s, over TLS and in this account";
      \`test/unit/domain/resources/bucket/delete.test.ts\`: "while something of ours still names the bucket"`,
    old: [
      {
        what: 'the permission policy does not ask whose the bucket is',
        file: 'src/domain/model/permission-policy.ts',
        now: "    StringEquals: { 'aws:ResourceAccount': accountId },\n",
        before: "    ...(accountId === '-' && { StringEquals: {} }),\n",
        failing: [
          'test/unit/domain/model/permission-policy.test.ts',
          'is the guide’s, over TLS and in this account',
        ],
      },
      {
        what: 'a bucket is deleted that a role or policy still names',
        file: 'src/domain/resources/bucket/delete.ts',
        now: '      if (named) return named;\n',
        before: '      if (named && named.reason === "") return named;\n',
        failing: [
          'test/unit/domain/resources/bucket/delete.test.ts',
          'while something of ours still names the bucket',
        ],
      },
    ],
  },
  {
    name: '8. the policy of a bucket or key reached past a boundary that only allowed',
    proofs: `\`test/unit/security/takeover.test.ts\`: "the boundary allows only";
      \`test/security/created-role.test.ts\`: "where the policy of a bucket lets in", "a boundary that merely does not allow would let Dataloop in", "a key policy that lets everybody in gives Dataloop no other key";
      \`test/unit/domain/resources/role/role.test.ts\`: "has the owner tag and none of the caller’s";
      \`test/security/attacks.ts\`: "give a role of ours a tag by which other policies let it in"`,
    old: [
      {
        what: 'the boundary denies nothing outside of the pattern',
        file: 'resources/boundary.yml',
        now: `          - Sid: NowhereElse
            Effect: Deny`,
        before: `          - Sid: NowhereElse
            Effect: Allow`,
        failing: [takeover, byDefault],
      },
      {
        what: 'callers choose the tags of a role',
        file: `${role}/role.ts`,
        now: '    tags: roleTags,\n',
        before: '    tags: { ...step.desired.tags, ...roleTags },\n',
        failing: [`${roleTests}/role.test.ts`, 'has the owner tag and none of the caller’s'],
      },
    ],
  },
  {
    name: '9. the page for callers handed out the route that names whom a role trusts',
    proofs: `\`test/security/callers.test.ts\`: "lets in for its own routes, and for no other";
      \`test/unit/docs/callers.test.ts\`: "lets nobody say whom a role trusts, or disconnect, who may only connect"`,
    old: [
      {
        what: 'who may connect may say whom a role trusts',
        file: 'docs/deployment.md',
        now: 'POST/integrations/*/test"',
        before: 'POST/integrations/*"',
        failing: [
          'test/unit/docs/callers.test.ts',
          'lets nobody say whom a role trusts, or disconnect, who may only connect',
        ],
      },
    ],
  },
  {
    name: '10. the local environment ran anybody’s code',
    proofs: `\`test/security/local-environment.test.ts\`: "%s without a signature", "the access key %s, whatever its secret";
      \`test/unit/local/sandbox/server.test.ts\`: "refuses a request %s";
      \`test/unit/local/environment/run-folder.test.ts\`: "a run has a folder of its own that nobody else can enter", "nobody can know the name of the folder before"`,
    old: [
      {
        what: 'the sandbox’s control API asks for no token',
        file: 'local/sandbox/control-access.ts',
        now: '  if (isSame(given, token)) return undefined;',
        before: '  if (isSame(given, token) || given === "") return undefined;',
        failing: ['test/unit/local/sandbox/server.test.ts', 'refuses a request'],
      },
      {
        what: 'a page in the browser uses the control API',
        file: 'local/sandbox/control-access.ts',
        now: '  if (headers.origin !== undefined) return',
        before: "  if (headers.origin === '') return",
        failing: ['test/unit/local/sandbox/server.test.ts', 'refuses a request'],
      },
      {
        what: 'the folder of a run has a name that everybody knows',
        file: 'local/environment/run-folder.ts',
        now: `return mkdtemp(join(parent, \`dataloop-cross-account-\${kind}-\${process.pid}-\`));`,
        before: `const known = join(parent, \`dataloop-cross-account-\${kind}-\${process.pid}\`);
  await mkdtemp(known).then(async (made) => (await import('node:fs/promises')).rename(made, known));
  return known;`,
        failing: [
          'test/unit/local/environment/run-folder.test.ts',
          'nobody can know the name of the folder before',
        ],
      },
      {
        what: 'the emulator takes the key "test" for a root, and checks no signature of it',
        file: 'local/environment/emulator/access.py',
        now: 'replace_function(evaluator, "is_root_access_key", lambda access_key_id: False)',
        before:
          'replace_function(evaluator, "is_root_access_key", lambda access_key_id: access_key_id == "test")',
        failing: ['test/security/local-environment.test.ts', 'the access key test, whatever its secret'],
      },
    ],
  },
  {
    name: '11. text of Dataloop’s kept a function busy; bodies had no limit',
    proofs: `\`test/unit/security/linear-time.test.ts\`: "1 MB of hostile text is read by everything that reads one", "ends on 1 MB of hostile text";
      \`test/unit/clients/dataloop/long-answers.test.ts\`: "is refused as too long, and not read on"`,
    old: [
      {
        what: 'a regular expression takes the square of the length of a text',
        file: 'src/errors.ts',
        now: 'return bounded.replace(unfit,',
        before: "return text.replace(/\\s+$/, '').slice(0, longest).replace(unfit,",
        failing: ['test/unit/security/linear-time.test.ts', 'ends on 1 MB of hostile text'],
      },
      {
        what: 'an answer is read to its end, however long it is',
        file: 'src/clients/dataloop/http.ts',
        now: '    if (end > longest) return undefined;',
        before: '    if (end > 1000 * longest) return undefined;',
        failing: [
          'test/unit/clients/dataloop/long-answers.test.ts',
          'is refused as too long, and not read on',
        ],
      },
    ],
  },
  {
    name: '11. no parameter bounded the region; callers shared idempotency keys; plans had no throttle',
    proofs: `\`test/unit/domain/model/request.test.ts\`: "a region, that of the deployment too";
      \`test/integration/conformance.test.ts\`: "creates buckets only in the regions that the deployment names", "what looks at much of IAM has a throttle of its own";
      \`test/unit/runtime/api.test.ts\`: "belongs to the caller and the route"`,
    old: [
      {
        what: 'a request chooses any region',
        file: 'src/domain/model/allowed.ts',
        now: '  if (allowed.regions.includes(region)) return;',
        before: "  if (allowed.regions.includes(region) || region !== '') return;",
        failing: ['test/unit/domain/model/request.test.ts', 'a region, that of the deployment too'],
      },
      {
        what: 'callers share their idempotency keys',
        file: 'src/runtime/api.ts',
        now: ` \${ownerOf(callerOf(event))}\` };`,
        before: '` };',
        failing: ['test/unit/runtime/api.test.ts', 'belongs to the caller and the route'],
      },
      {
        what: 'plans have no throttle of their own',
        file: 'resources/api.yml',
        now: `ThrottlingRateLimit: \${self:custom.parameters.looksPerSecond}`,
        before: `ThrottlingRateLimit: \${self:custom.parameters.apiRequestsPerSecond}`,
        failing: [
          'test/integration/conformance.test.ts',
          'what looks at much of IAM has a throttle of its own',
        ],
      },
    ],
  },
  {
    name: '11. a caller could have any number of provisionings open',
    proofs: `\`test/unit/domain/lifecycle/undo.test.ts\`: "are no more than there are places";
      \`test/integration/contract.test.ts\`: "a caller who has too many integrations open has to wait, but not for a repeated request"`,
    old: [
      {
        what: 'nobody counts what a caller has open',
        file: 'src/domain/lifecycle/start.ts',
        now: '  if (!places) return store.register(registration);',
        before: '  if (!places || places.count > 0) return store.register(registration);',
        failing: ['test/unit/domain/lifecycle/undo.test.ts', 'are no more than there are places'],
      },
    ],
  },
  {
    name: '11. the sweep waited for each record; Python requirements had no hashes',
    proofs: `\`test/unit/domain/lifecycle/watchdog.test.ts\`: "does not wait for one that is slow before it looks at the next";
      \`test/unit/supply-chain.test.ts\`: "are checked against their hash, all of them, on whatever system"`,
    old: [
      {
        what: 'the sweep looks at one record after the other',
        file: 'src/domain/lifecycle/watchdog.ts',
        now: 'Array.from({ length: sweepWidth }, work)',
        before: 'Array.from({ length: Math.min(1, sweepWidth) }, work)',
        failing: [
          'test/unit/domain/lifecycle/watchdog.test.ts',
          'does not wait for one that is slow before it looks at the next',
        ],
      },
      {
        what: 'a Python package has no hash',
        file: 'local/environment/emulator/requirements.txt',
        now: `defusedxml==0.7.1 \\
    --hash=sha256:1bb3032db185915b62d7c6209c5a8792be6a32ab2fedacc84e01b52c51aa3e69 \\
    --hash=sha256:a352e7e428770286cc899e2542b6cdaedb2b4953ff269a210103ec58f6198a61
`,
        before: 'defusedxml==0.7.1\n',
        failing: [
          'test/unit/supply-chain.test.ts',
          'are checked against their hash, all of them, on whatever system',
        ],
      },
    ],
  },
];
