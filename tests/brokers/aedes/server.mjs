// Aedes with its sessions and retained messages in memory, with TLS and without it: node server.mjs JSON
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Aedes } from "aedes";

const { host, port, tlsPort, certificate, key, account } = JSON.parse(process.argv[2]);
const [name, password] = account;

const aedes = await Aedes.createBroker();
aedes.authenticate = (client, user, given, done) =>
    done(null, !user || (user === name && String(given) === password));
createServer(aedes.handle).listen(port, host);
createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, aedes.handle).listen(tlsPort, host);
