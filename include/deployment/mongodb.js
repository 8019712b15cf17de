// Makes the container mongodb a replica set of one, with the platform's user. Repeats harmlessly:
//   mongosh --quiet --nodb mongodb.js
// Reads MONGODB_SERVER (host:port), MONGODB_DATABASE, ROLE_FILE and the passwords from the environment.

const fs = require("fs");

const NOT_YET_INITIALIZED = 94;
const WAIT_MILLISECONDS = 60_000;

const server = process.env.MONGODB_SERVER;
const address = `mongodb://${server}/admin?directConnection=true`;
const admin = connect(address, "root", process.env.LOCAL_MONGODB_ROOT_PASSWORD);

try {
  admin.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.code !== NOT_YET_INITIALIZED) throw error;
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: server }] } });
}

const deadline = Date.now() + WAIT_MILLISECONDS;
while (!admin.adminCommand({ hello: 1 }).isWritablePrimary) {
  if (Date.now() > deadline) throw new Error(`${server} did not become primary: look at its log.`);
  sleep(200);
}

const database = process.env.MONGODB_DATABASE;
const actions = JSON.parse(fs.readFileSync(process.env.ROLE_FILE, "utf8"));
const role = {
  privileges: [
    { resource: { db: database, collection: "" }, actions: actions.on_the_database },
    { resource: { db: "admin", collection: "" }, actions: actions.on_admin },
  ],
  roles: [],
};
if (admin.getRole("echotune")) {
  admin.updateRole("echotune", role);
} else {
  admin.createRole({ role: "echotune", ...role });
}
const user = { pwd: process.env.LOCAL_MONGODB_PASSWORD, roles: ["echotune"] };
if (admin.getUser("echotune")) {
  admin.updateUser("echotune", user);
} else {
  admin.createUser({ user: "echotune", ...user });
}
print(`${server} is a replica set, and its user echotune may use the database ${database}.`);
