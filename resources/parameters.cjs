/**
 * Deployment parameters, checked and converted: values from the command line are always text.
 * They come from there, else from stages/STAGE.yml, else from serverless.yml, which holds their defaults.
 * Everything else reads `${self:custom.parameters.…}`.
 */
'use strict';

const { X509Certificate } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { resolve } = require('node:path');

const organisation = require('./organisation-parameters.cjs');
const { integer, keyArn, listOf, short, text, trueOrFalse } = require('./parameter-rules.cjs');
const plain = require('./plain-error.cjs');
const { settingsOf } = require('./stage.cjs');

const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

// A pattern of wildcards alone would grant access to every bucket or role of the account.
const namePattern = text(
  /^[a-zA-Z0-9][a-zA-Z0-9.+=,@_-]{2,}\*?$/,
  'a name, or at least three characters and one * at the end, such as dataloop-*',
);

const bucketArns = 'empty, or a comma-separated list of bucket ARNs, each once and without wildcards';
const bucketList = short(
  // Old buckets have names that no new one may have.
  listOf(/^arn:aws[a-z-]*:s3:::[A-Za-z0-9._-]{3,255}$/, bucketArns),
  1_000,
  bucketArns,
);
// Role names may contain commas; here a comma ends the ARN.
const roleArns = 'empty, or a comma-separated list of role ARNs, each once and without wildcards';
const roleList = short(
  listOf(/^arn:aws[a-z-]*:iam::\d{12}:role\/([\w+=.@-]+\/)*[\w+=.@-]{1,64}$/, roleArns),
  1_000,
  roleArns,
);

const keyArns = 'empty, or a comma-separated list of KMS key ARNs (no aliases), each once';

const regionCodes = 'a comma-separated list of AWS regions, each once';
const regionList = short(listOf(/^[a-z]{2,4}(-[a-z]{1,12}){1,2}-\d$/, regionCodes), 300, regionCodes);

const keysOfTags = 'empty, or a comma-separated list of tag keys, each once, with * only at the end of one';
const tagKeyList = short(listOf(/^([\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}\*?|\*)$/u, keysOfTags), 300, keysOfTags);

/**
 * No hyphens: names of a stage end its name with one, so none begins like those of another stage. Buckets of a stage
 * "cross" would begin like the deployment bucket of every stage.
 */
const stage = text(
  /^(?!cross$)[a-z][a-z0-9]{0,14}$/,
  'a lower-case letter, then at most 14 lower-case letters and digits, and not "cross"',
);

const webOrigins =
  'a comma-separated list of https origins without a path, each once, with at most one * in each';
const origins = short(listOf(/^https:\/\/[^\s/?#*,@]*\*?[^\s/?#*,@]+$/, webOrigins), 500, webOrigins);
const methods = 'a comma-separated list of GET, HEAD, PUT, POST and DELETE, each once, with GET';
const corsMethods = listOf(/^(GET|HEAD|PUT|POST|DELETE)$/, methods);
const statuses = 'a comma-separated list of words of Dataloop, each once, such as trust-established';
const statusList = short(listOf(/^[\x21-\x2b\x2d-\x7e]{1,99}$/, statuses), 300, statuses);

const filled = (check, rule) => (value) => {
  const checkedList = check(value);
  if (checkedList.list.length === 0) throw rule;
  return checkedList;
};

/** The certificates of a PEM file, as they go into the functions; empty without a file. */
function certificatesOf(value) {
  const rule = 'empty, or a PEM file of X.509 certificates of authorities that are valid now';
  if (value === '') return '';
  if (typeof value !== 'string') throw rule;
  let certificates;
  try {
    const pem = readFileSync(resolve(__dirname, '..', value), 'utf8');
    certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    const parsed = certificates.map((each) => new X509Certificate(each));
    const now = Date.now();
    const isValid = ({ ca, validFrom, validTo }) =>
      ca && Date.parse(validFrom) <= now && now < Date.parse(validTo);
    if (!parsed.every(isValid)) certificates = [];
  } catch {
    // There is no such file, or no certificate in it.
    certificates = [];
  }
  if (certificates.length === 0) throw rule;
  return certificates.join('\n');
}

const checks = {
  dataloopApiUrl: text(/^https:\/\/[^\s/?#]+(\/[^\s?#]*)?$/, 'an https URL'),
  dataloopGateUrl: text(/^(https:\/\/[^\s/?#@]+)?$/, 'empty, or an https origin without a path'),
  dataloopProxyUrl: text(
    /^(https?:\/\/[^\s/?#@]+)?$/,
    'empty, or the URL of a proxy without a path and without credentials, such as http://proxy.example.com:3128',
  ),
  dataloopCaFile: (value) => {
    certificatesOf(value);
    return value;
  },
  dataloopConsoleOrigin: filled(origins, webOrigins),
  dataloopCorsMethods: (value) => {
    const allowed = corsMethods(value);
    if (!allowed.list.includes('GET')) throw methods;
    return allowed;
  },
  dataloopTrustedStatuses: filled(statusList, statuses),
  dataloopWaitingStatuses: filled(statusList, statuses),
  dataloopTrustSeconds: integer(30, 3_600),
  dataloopDriverTestSeconds: integer(10, 1_800),
  // Their functions run for 30 s.
  dataloopAnswerSeconds: integer(5, 25),
  dataloopStorageClass: text(/^[A-Za-z0-9_-]{0,50}$/, 'empty, or the name of a storage class'),
  dataloopAllowExternalModification: (value) => {
    if (!['', true, false, 'true', 'false'].includes(value)) throw 'empty, true or false';
    return value === '' ? '' : trueOrFalse(value);
  },
  dataloopPathStyle: text(/^\/?folder\/?$/, 'one of folder, folder/, /folder and /folder/'),
  dataloopRegions: regionList,
  dataloopIntegrationLimit: integer(1, 10_000),
  dataloopSecretName: text(
    /^[A-Za-z0-9/_+=.@-]{1,512}$/,
    'the name of a Secrets Manager secret, not its ARN',
  ),
  dataloopOrganizationId: text(/^[A-Za-z0-9_-]{0,100}$/, 'empty, or the id of a Dataloop organisation'),
  dataloopAccountId: text(
    /^(\d{12})?$/,
    'empty, or the twelve digits of an AWS account id (in YAML between quotes)',
  ),
  bucketNamePattern: namePattern,
  roleNamePattern: namePattern,
  policyNamePattern: namePattern,
  regions: (value) => {
    const regions = regionList(value);
    if (regions.list.length === 0) throw regionCodes;
    return regions;
  },
  tagKeys: tagKeyList,
  kmsKeyArns: short(listOf(keyArn, keyArns), 1_000, keyArns),
  adoptableBucketArns: (value) => {
    const { text: arns, list } = bucketList(value);
    return { text: arns, list, objects: list.map((arn) => `${arn}/*`) };
  },
  adoptableRoleArns: roleList,
  apiRequestsPerSecond: integer(1, 10_000),
  apiBurst: integer(1, 5_000),
  looksPerSecond: integer(1, 1_000),
  openPerCaller: integer(1, 100),
  iamUserTimeoutSeconds: integer(10, 86_400),
  logRetentionInDays: (value) => {
    if (!retentionDays.includes(Number(value))) throw `one of ${retentionDays.join(', ')}`;
    return Number(value);
  },
  // As text: CloudFormation compares it, and it goes into the environment.
  denyPlainHttp: (value) => String(trueOrFalse(value)),
  deletionProtection: trueOrFalse,
  cutOff: trueOrFalse,
  ...organisation.checks,
};

/**
 * What cannot be known of Dataloop goes to the functions in one variable, and only where it is not as usual: the
 * environment of a function has 4 KB. src/config.ts has the same names and the same usual values.
 */
const usualOptions = {
  gateUrl: '',
  proxyUrl: '',
  answerSeconds: 25,
  trustedStatuses: ['trust-established'],
  waitingStatuses: ['waiting-trust'],
  storageClass: '',
  allowExternalModification: '',
  pathStyle: 'folder',
  integrationLimit: 15,
};

function dataloopOptions(parameters) {
  const options = {};
  for (const [name, usual] of Object.entries(usualOptions)) {
    const value = parameters[`dataloop${name[0].toUpperCase()}${name.slice(1)}`];
    const set = value?.list ?? value;
    if (JSON.stringify(set) !== JSON.stringify(usual)) options[name] = set;
  }
  return Object.keys(options).length === 0 ? '' : JSON.stringify(options);
}

/** Lists go into the environment of every function, which holds 4 KB, and the boundary has room for little more. */
const longestLists = 2_000;
const usualOrigin = 'https://console.dataloop.ai';

function checkedTogether(parameters) {
  const { regions, dataloopRegions, dataloopTrustedStatuses, dataloopWaitingStatuses } = parameters;
  const unknown = regions.list.filter((each) => !dataloopRegions.list.includes(each));
  if (dataloopRegions.list.length > 0 && unknown.length > 0) {
    throw plain(
      `The parameter regions names ${unknown.join(', ')}, where Dataloop supports no buckets: dataloopRegions is ` +
        `"${dataloopRegions.text}". Take it out of regions, or put it into dataloopRegions.`,
    );
  }
  const both = dataloopTrustedStatuses.list.find((each) => dataloopWaitingStatuses.list.includes(each));
  if (both !== undefined) {
    throw plain(
      `The parameters dataloopTrustedStatuses and dataloopWaitingStatuses both have "${both}". A status means one of the two.`,
    );
  }
  const lists = Object.entries(parameters).filter(
    ([name, value]) => typeof value.text === 'string' && !name.startsWith('dataloop'),
  );
  const origins = Math.max(0, parameters.dataloopConsoleOrigin.text.length - usualOrigin.length);
  const ofDataloop = dataloopOptions(parameters).length + origins;
  const total = lists.reduce((sum, [, { text: all }]) => sum + all.length, ofDataloop);
  if (total <= longestLists) return;
  const names = [...lists.map(([name]) => name), 'and those of Dataloop'].join(', ');
  throw plain(`The parameters ${names} have ${total} characters together; ${longestLists} fit.`);
}

function checked(what, value, check) {
  try {
    return check(value);
  } catch (rule) {
    if (typeof rule !== 'string') throw rule;
    throw plain(`${what} is "${value}"; it must be ${rule}.`);
  }
}

const arnOfBucket = (name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${name}` });

/** What follows from the parameters. */
const derived = ({ bucketNamePattern, adoptableBucketArns, kmsKeyArns }) => ({
  /** All that a role for Dataloop may reach. */
  reach: [
    arnOfBucket(bucketNamePattern),
    arnOfBucket(`${bucketNamePattern}/*`),
    ...adoptableBucketArns.list,
    ...adoptableBucketArns.objects,
    ...kmsKeyArns.list,
  ],
});

module.exports = async ({ resolveVariable }) => {
  checked('The stage', await resolveVariable('sls:stage'), stage);
  const { path, settings } = await settingsOf(resolveVariable, Object.keys(checks));
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const isInFile = settings.has(name);
      const value = isInFile ? settings.get(name) : await resolveVariable(`param:${name}`);
      return [name, checked(`The parameter ${name}${isInFile ? ` in ${path}` : ''}`, value, check)];
    }),
  );
  const parameters = Object.fromEntries(entries);
  checkedTogether(parameters);
  organisation.checkedTogether(parameters, await resolveVariable('self:provider.region'));
  return {
    ...parameters,
    ...derived(parameters),
    ...organisation.derived(parameters),
    dataloopOptions: dataloopOptions(parameters),
    /** As esbuild puts it into the code. */
    dataloopCertificates: JSON.stringify(certificatesOf(parameters.dataloopCaFile)),
  };
};
