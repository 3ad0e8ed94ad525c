/**
 * Deployment parameters, checked and converted: values from the command line are always text.
 * serverless.yml holds their defaults; everything else reads `${self:custom.parameters.…}`.
 */
'use strict';

const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const text = (pattern, rule) => (value) => {
  if (typeof value !== 'string' || !pattern.test(value)) throw rule;
  return value;
};

const integer = (minimum, maximum) => (value) => {
  const number = Number(value);
  if (!Number.isInteger(number) || number < minimum || number > maximum) {
    throw `a whole number from ${minimum} to ${maximum}`;
  }
  return number;
};

// A pattern of wildcards alone would grant access to every bucket or role of the account.
const namePattern = text(
  /^[a-zA-Z0-9][a-zA-Z0-9.+=,@_-]{2,}\*?$/,
  'a name, or at least three characters and one * at the end, such as dataloop-*',
);

/** A list, separated by commas: `list` for CloudFormation, `text` for what takes text only. */
const listOf = (pattern, rule) => (value) => {
  if (typeof value !== 'string') throw rule;
  const list = value.split(',').map((each) => each.trim());
  if (value.trim() === '') return { text: '', list: [] };
  if (!list.every((each) => pattern.test(each)) || new Set(list).size < list.length) throw rule;
  return { text: list.join(','), list };
};

/** Lists go into the environment of every function, which holds 4 KB, and into policies, which hold little more. */
const short = (check, maximum, rule) => (value) => {
  const checkedList = check(value);
  if (checkedList.text.length > maximum) throw `${rule}, of at most ${maximum} characters`;
  return checkedList;
};

const bucketArns = 'empty, or a comma-separated list of bucket ARNs, each once and without wildcards';
const bucketList = short(
  listOf(/^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, bucketArns),
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

const keyArn = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/;

const stage = text(
  /^[a-z][a-z0-9-]{0,14}$/,
  'a lower-case letter, then at most 14 lower-case letters, digits and hyphens',
);

const checks = {
  dataloopApiUrl: text(/^https:\/\/[^\s/?#]+(\/[^\s?#]*)?$/, 'an https URL'),
  dataloopConsoleOrigin: text(/^https:\/\/[^\s/?#*]+$/, 'an https origin without a path'),
  dataloopSecretName: text(
    /^[A-Za-z0-9/_+=.@-]{1,512}$/,
    'the name of a Secrets Manager secret, not its ARN',
  ),
  dataloopOrganizationId: text(/^[A-Za-z0-9_-]{0,100}$/, 'empty, or the id of a Dataloop organisation'),
  dataloopAccountId: text(/^(\d{12})?$/, 'empty, or the twelve digits of an AWS account id'),
  bucketNamePattern: namePattern,
  roleNamePattern: namePattern,
  policyNamePattern: namePattern,
  kmsKeyArns: listOf(keyArn, 'empty, or a comma-separated list of KMS key ARNs (no aliases), each once'),
  adoptableBucketArns: (value) => {
    const { text: arns, list } = bucketList(value);
    return { text: arns, list, objects: list.map((arn) => `${arn}/*`) };
  },
  adoptableRoleArns: roleList,
  dataKeyArn: (value) => {
    if (value !== '' && !keyArn.test(String(value))) throw 'empty, or the ARN of a KMS key (no alias)';
    return value;
  },
  apiRequestsPerSecond: integer(1, 10_000),
  apiBurst: integer(1, 5_000),
  looksPerSecond: integer(1, 1_000),
  iamUserTimeoutSeconds: integer(10, 86_400),
  logRetentionInDays: (value) => {
    if (!retentionDays.includes(Number(value))) throw `one of ${retentionDays.join(', ')}`;
    return Number(value);
  },
  deletionProtection: (value) => {
    if (value !== true && value !== false && value !== 'true' && value !== 'false') throw 'true or false';
    return value === true || value === 'true';
  },
};

function checked(what, value, check) {
  try {
    return check(value);
  } catch (rule) {
    if (typeof rule !== 'string') throw rule;
    const error = new Error(`${what} is "${value}"; it must be ${rule}.`);
    // The message alone: the stack trace does not help people who deploy.
    error.stack = error.message;
    throw error;
  }
}

module.exports = async ({ resolveVariable }) => {
  checked('The stage', await resolveVariable('sls:stage'), stage);
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const value = await resolveVariable(`param:${name}`);
      return [name, checked(`The parameter ${name}`, value, check)];
    }),
  );
  return Object.fromEntries(entries);
};
