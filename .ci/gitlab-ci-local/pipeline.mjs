// Executes a pipeline file with gitlab-ci-local: the real YAML, the real binaries, a job's environment for each job, and
// the sandbox's GitLab and Slack. Every job runs in a checkout of its own and gets what it has from artifacts and dotenv
// reports only.
//
//     node pipeline.mjs --yaml FILE [--recording STEP] [--code STEP] [--before STEP] [--live STEP] [--play JOB]...
//                       [--merge-request] [--variable KEY=VALUE]... [--file PATH=FILE]... [--slack-fault FAULT]
//
// prints what came of it as JSON, and ends as the pipeline did. STEP is a folder of fixtures/estate: what terraform plans,
// what the code says, what the state is before, what EC2 has after. `include`s of the
// project infra/portcullis at the ref v0.1.0, and its components, are this checkout's ci/ and templates/.
//
// What gitlab-ci-local does otherwise than GitLab: a manual job blocks nothing (a job that is not played is left out); reports other than
// dotenv are files only; inputs reach no child pipeline; what comes after a job for failures that is not due is
// not started (done here in its place). (Source: package "gitlab-ci-local", README, "Quirks".)
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import yaml from "js-yaml";

/** Folders: this repository, the built binaries, the copy of this folder with node_modules, and where to work. */
export const folders = {
    root: resolve(process.env.PORTCULLIS_ROOT ?? "."),
    binaries: resolve(process.env.PORTCULLIS_BINARIES ?? "target/debug"),
    here: import.meta.dirname,
    work: resolve(process.env.PORTCULLIS_WORK ?? "target/ci/pipelines"),
};

const HOST = "gitlab.example.com";
const PER_JOB = /^(CI_JOB_|GITLAB_USER_)/;

function run(program, args, options = {}) {
    const done = spawnSync(program, args, { encoding: "utf8", ...options });
    if (done.status !== 0) {
        throw new Error(`${program} ${args.join(" ")}: ${done.error ?? done.stderr}`);
    }
    return done.stdout;
}

/** Programs on the jobs' PATH: ours, the replayed terraform (but for `apply`, if given), and EC2's recorded answers in the place of inspect. */
function programs(folder, live, apply) {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folders.binaries)) {
        if (/^portcullis-[a-z-]+$/.test(name) && name !== "portcullis-inspect") {
            symlinkSync(join(folders.binaries, name), join(folder, name));
        }
    }
    const terraform = join(folder, "terraform");
    if (apply) {
        // Shell that runs in the place of terraform's apply, and may let it happen all the same.
        const otherwise = '*) exec portcullis-replayed-terraform "$@" ;;';
        writeFileSync(terraform, `#!/bin/sh\ncase "$2" in\napply) ${apply} ;;\n${otherwise}\nesac\n`);
        chmodSync(terraform, 0o755);
    } else {
        symlinkSync(join(folders.binaries, "portcullis-replayed-terraform"), terraform);
    }
    const inspect = join(folder, "portcullis-inspect");
    const file = "$AWS_WEB_IDENTITY_TOKEN_FILE";
    const token = `AWS_WEB_IDENTITY_TOKEN_FILE holds $(wc -c < "${file}") bytes, mode $(stat -c %a "${file}")`;
    writeFileSync(inspect, `#!/bin/sh\n[ -z "${file}" ] || echo "${token}"\nexec cp '${live}' portcullis/live.json\n`);
    chmodSync(inspect, 0o755);
}

/** Starts the stand-ins; gives the variables of a job, and how to stop them. */
async function sandbox(options) {
    const steps = join(folders.root, "fixtures/estate");
    const args = ["serve", "--state", join(steps, options.before, "state.json"), "--recording", join(steps, options.recording)];
    if (options.slackFault) args.push("--slack-fault", options.slackFault);
    const child = spawn(join(folders.binaries, "portcullis-sandbox"), args, { stdio: ["ignore", "pipe", "pipe"] });
    let [said, talk] = ["", ""];
    child.stdout.on("data", (text) => (said += text));
    // "; Ctrl-C ends them" comes after the variables.
    await new Promise((ready, failed) => {
        child.on("exit", (code) => failed(new Error(`the sandbox ended with ${code}: ${talk}`)));
        child.stderr.on("data", (text) => {
            talk += text;
            if (/web service answers/.test(talk)) ready();
            if (/^error: /m.test(talk)) failed(new Error(`the sandbox: ${talk}`));
        });
    }).catch((error) => {
        child.kill();
        throw error;
    });
    const variables = Object.fromEntries(
        [...said.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, key, value]) => [key, value.replaceAll("'\\''", "'")]),
    );
    const stop = () => new Promise((ended) => child.on("exit", ended) && child.kill("SIGINT"));
    return { variables, stop };
}

async function get(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return answer.json();
}

/**
 * Runs one pipeline. `yaml` is the text of the project's `.gitlab-ci.yml`.
 *
 * Gives `exit`, the `ran` jobs in order with their exit codes, `artifacts(job)` and `log(job)`, what `gitlab` and `slack`
 * remember, the `jobs` as the rules let them be (`when`, `allow_failure`, `needs`), the `file` with all includes, and what was
 * printed as `output`.
 */
export async function pipeline(name, given) {
    const options = { recording: "2-correct-web-port", play: [], variables: {}, files: {}, mergeRequest: false, ...given };
    options.before ??= "1-setup";
    options.live ??= options.recording;
    options.code ??= options.recording;
    const work = join(folders.work, name);
    const project = join(work, "project");
    rmSync(work, { recursive: true, force: true });
    mkdirSync(project, { recursive: true });

    // The project, as a runner would have it, and what it includes from elsewhere.
    const recording = join(folders.root, "fixtures/estate", options.code);
    run(join(folders.binaries, "portcullis-sandbox"), ["checkout", "--workspace", folders.root, "--recording", recording, project]);
    writeFileSync(join(project, ".gitlab-ci.yml"), options.yaml);
    writeFileSync(join(project, ".gitignore"), ".gitlab-ci-local*\n");
    for (const [path, text] of Object.entries(options.files)) {
        mkdirSync(dirname(join(project, path)), { recursive: true });
        writeFileSync(join(project, path), text);
    }
    for (const folder of ["ci", "templates"].filter((folder) => existsSync(join(folders.root, folder)))) {
        const included = join(project, ".gitlab-ci-local/includes", HOST, "infra/portcullis/v0.1.0", folder);
        cpSync(join(folders.root, folder), included, { recursive: true });
    }
    const git = (...args) => run("git", args, { cwd: project });
    git("init", "--quiet", "--initial-branch=main", ".");
    git("remote", "add", "origin", `https://${HOST}/harbour/estate.git`);
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
    git("config", "user.name", "Nora Okafor");
    git("config", "user.email", "nora@example.com");
    git("add", ".");
    git("commit", "--quiet", "--message", "The estate");

    const live = join(work, "live.json");
    const answers = join(folders.root, "fixtures/estate", options.live, "aws");
    writeFileSync(live, run(join(folders.binaries, "examples/live"), [answers]));
    programs(join(work, "bin"), live, options.apply);

    const stands = await sandbox(options);
    try {
        // As the project's CI/CD variables: the jobs get them, and they go before those of the YAML.
        const { PORTCULLIS_TERRAFORM: _, ...all } = stands.variables;
        const variables = Object.fromEntries(Object.entries(all).filter(([key]) => !PER_JOB.test(key)));
        Object.assign(variables, { CI_SERVER_HOST: HOST, CI_SERVER_FQDN: HOST, PORTCULLIS_RETRY_WAIT: "0.05" });
        // The recorded estate's public address is one of this machine's.
        variables.PORTCULLIS_ASK_LOOPBACK = "true";
        if (options.mergeRequest) {
            Object.assign(variables, { CI_PIPELINE_SOURCE: "merge_request_event", CI_MERGE_REQUEST_IID: "7" });
            delete variables.CI_COMMIT_BRANCH;
        }
        Object.assign(variables, options.variables);
        // Written out, since a value that begins with a slash would be taken for a file's name.
        const typed = Object.entries(variables).map(([key, value]) => [key, { type: "variable", values: { "*": value } }]);
        writeFileSync(join(project, ".gitlab-ci-local-variables.yml"), yaml.dump(Object.fromEntries(typed)));

        const args = ["--shell-isolation", "--force-shell-executor", "--no-artifacts-to-source", "--no-color", "--concurrency", "1"];
        args.push("--ignore-predefined-vars", Object.keys(variables).join(","));
        if (options.mergeRequest) args.push("--unset-variable", "CI_COMMIT_BRANCH");
        for (const job of options.play) args.push("--manual", job);
        const gcl = join(folders.here, "node_modules/gitlab-ci-local/dist/index.js");
        const env = {
            PATH: `${join(work, "bin")}:${process.env.PATH}`,
            HOME: work,
            BASH_ENV: join(folders.here, "job.sh"),
            PORTCULLIS_RUNNER: folders.here,
            PORTCULLIS_RUNNER_WORK: work,
            PORTCULLIS_RUNNER_PLAYED: options.play.join(","),
        };
        let output = "";
        const start = async (...more) => {
            const child = spawn(process.execPath, [gcl, ...more, ...args], { cwd: project, env, stdio: ["ignore", "pipe", "pipe"] });
            let said = "";
            child.stdout.on("data", (text) => (said += text));
            child.stderr.on("data", (text) => (output += text));
            const code = await new Promise((ended) => child.on("close", ended));
            return { code, said };
        };
        const main = await start();
        output += main.said;
        let exit = main.code;

        const record = join(work, "jobs.jsonl");
        const ran = () => {
            const lines = existsSync(record) ? readFileSync(record, "utf8").trim().split("\n") : [];
            return lines.map((line) => JSON.parse(line));
        };
        // gitlab-ci-local waits in vain for jobs that are not due; GitLab skips them, and goes on with what comes after them.
        const { said: listed } = await start("--list-json", "--no-json-schema-validation");
        const jobs = listed.startsWith("[") ? JSON.parse(listed) : [];
        const expanded = join(project, ".gitlab-ci-local/expanded-gitlab-ci.yml");
        const file = existsSync(expanded) ? yaml.load(readFileSync(expanded, "utf8")) : {};
        const at = (job) => file.stages.indexOf(job.stage);
        jobs.sort((one, other) => at(one) - at(other));
        const code = (job) => ran().find(({ name }) => name === job.name)?.code;
        // What failed in the stages before it; not beside it.
        const broken = (job) => jobs.some((other) => at(other) < at(job) && !other.allow_failure && code(other) > 0);
        const due = { always: () => true, on_failure: broken, on_success: (job) => !broken(job) };
        for (const job of jobs.filter((job) => code(job) === undefined)) {
            if (!due[job.when]?.(job)) continue;
            // The rules have had their say; alone, a job for failures would see none.
            const { include: _included, ...expanded } = file;
            const { rules: _rules, ...rest } = expanded[job.name];
            const alone = { ...expanded, [job.name]: { ...rest, when: "always" } };
            writeFileSync(join(project, ".gitlab-ci-local/alone.yml"), yaml.dump(alone));
            const ended = await start(job.name, "--no-json-schema-validation", "--file", ".gitlab-ci-local/alone.yml");
            output += ended.said;
            exit ||= ended.code;
        }
        writeFileSync(join(work, "output.txt"), output);

        const state = join(project, ".gitlab-ci-local");
        const safe = (job) => job.replace(/[^\w-]+/g, (text) => Buffer.from(text).toString("base64url"));
        return {
            exit,
            output,
            ran: ran(),
            jobs,
            file,
            artifacts: (job) => join(state, "artifacts", safe(job)),
            log: (job) => readFileSync(join(state, "output", `${safe(job)}.log`), "utf8"),
            gitlab: await get(`${stands.variables.CI_SERVER_URL}/-/runner`),
            slack: await get(new URL("/-/runner", stands.variables.PORTCULLIS_SLACK_URL)),
        };
    } finally {
        await stands.stop();
    }
}

async function main() {
    const { values } = parseArgs({
        options: {
            yaml: { type: "string" },
            recording: { type: "string" },
            code: { type: "string" },
            before: { type: "string" },
            live: { type: "string" },
            play: { type: "string", multiple: true },
            "merge-request": { type: "boolean" },
            variable: { type: "string", multiple: true },
            file: { type: "string", multiple: true },
            "slack-fault": { type: "string" },
        },
    });
    const pairs = (list) => (list ?? []).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
    const given = {
        yaml: readFileSync(values.yaml, "utf8"),
        recording: values.recording,
        code: values.code,
        before: values.before,
        live: values.live,
        play: values.play ?? [],
        mergeRequest: values["merge-request"] ?? false,
        variables: Object.fromEntries(pairs(values.variable)),
        files: Object.fromEntries(pairs(values.file).map(([path, file]) => [path, readFileSync(file, "utf8")])),
        slackFault: values["slack-fault"],
    };
    // What was not given has its default.
    for (const key of Object.keys(given)) if (given[key] === undefined) delete given[key];
    const { output, ...result } = await pipeline("by-hand", given);
    process.stderr.write(output);
    console.log(JSON.stringify(result, null, 2));
    process.exitCode = result.exit;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();
