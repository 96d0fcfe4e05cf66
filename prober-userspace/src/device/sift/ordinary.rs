//! Words that tell nothing of a device: those of protocols, of ordinary server software and systems, and plain words of
//! greetings, error pages and log-in forms. From the protocols' specifications and general knowledge; lower case.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Protocols, their commands and answers, fields of certificates, hash and cipher names.
const PROTOCOL: &str = "accept acl active aes agent algorithm algorithms alive allow allowed anonymous answer answers apop \
    arpa ascii auth authenticate authentication authorization available base basic bin binary body br brotli byte bytes cache \
    caps capability capabilities cbc cert certificate cgi chacha charset children ciphers cipher client close cn command commands \
    compression connect connack connection content context control cookie country cram cseq ctr curve data date dc \
    default deflate delete describe dh diffie digest dn dns dsa dss ecdh ecdsa ed elliptic email emailaddress enable encoding enhancedstatuscodes \
    ehlo engine engine_boots engine_id engine_time enterprise error esmtp etag etm exchange expires ext extensions false \
    fields file fingerprint found format ftp ftps gcm get given gmt group gssapi gzip handshake head header hellman helo help \
    hmac host hostkey hostkey_type html htm http https icmp id identity idle igd imap imap4 imap4rev1 info invalid ip ipv4 \
    ipv6 iso issuer kex keep key keys kexguess2 language ldap ldapv3 length lib libssh libz list literal locality localhost localdomain location \
    login loginv logindisabled logout lsub mac mail max md message method methods mime mode mqtt name namespace namespaces nistp \
    nntp nonce none not not_after not_before notify ntlm null ok oid opaque openssl options opts org organization organizationalunitname origin \
    ou owner pam parameters pass passive password passwd path pbkdf permanent persistent ping pipelining plain play pop pop3 \
    port post pragma preauth private program protocol protocols proxy public put pwd qop query quit rc realm receiver record referral referrals \
    refused relay remote reply request required resource response responses rev rfc rport rsa rst rtcp rtp rtsp sasl scheme \
    script secure security select self send serial server service services session setup sftp sha sig sign signature signed sip size smtp \
    smtputf smtpsvc snmp snmpv socket source specification ssdp ssh ssl ssn st start starttls stat state status step stls \
    stream subject subscribe supported supports syn syst system tcp teardown telnet text thread time timeout tls tlsv token \
    top transfer transport true tunnel type types udp uid uidplus umac unix unselect unsolicited update upnp uri url urn usage user \
    username users utc utf uuid valid validity value vary ver version via vrfy verify www x509 xml xhtml xmlns xhost xpipelining zlib dsn etrn bitmime \
    chunking expn turn rcpt sni alpn options will wont dont www terminal echo window speed suppress ahead naws ttype xdisploc environ";

/// Server software and systems that run on anything.
const SOFTWARE: &str = "aix aiohttp alma almalinux alpine amazon amd amzn ansi apache arch archlinux asp aspnet bind bionic bsd bullseye buster \
    caddy centos cherrypy cloudflare cloudfront coyote cygwin darwin dav debian deb devuan dnsmasq dovecot drupal el express fastcgi fedora filezilla \
    freebsd fpm gentoo gnu golang gunicorn haproxy hyper httpd httpapi iis isc jboss jessie jetty jre jdk jquery java joomla kernel \
    kestrel kde laravel lighttpd linux litespeed lts macos mariadb mariadbd microsoft mod mongodb mono mysql mysqld ncftpd netbsd net node \
    nginx ntpd openbsd openresty openssh openssl opensuse oracle percona perl php phusion phusionpassenger passenger plesk postgresql \
    proftpd pure pureftpd python raspbian redhat red hat rhel rocky ruby sarge servlet solaris squeeze squid stretch suexec \
    sun sunos suse tengine tomcat tornado trusty twisted ubuntu undertow unbound unixware uvicorn varnish vsftpd webrick werkzeug \
    wheezy windows winnt win32 wordpress wsgi wsgiserver xenial focal jammy noble bookworm trixie zope smb samba workgroup nt server2003 server2008 \
    processor stratum leap rootdelay rootdispersion refid poll clock frequency jitter stability drift precision peer offset mips0 \
    x86 x64 i386 i486 i586 i686 amd64 x86_64 intel smp generic pae preempt hardware software family model stepping compatible multiprocessor uniprocessor free build";

/// Words of greetings, error pages, log-in forms and default pages.
const PLAIN: &str = "a about above access account accounts accepted action activity add additional address admin administration \
    administrator after again against age all also an and another any app application apps apr are area as at attempt attempts aug back \
    bad be because been before begin being below black blank blue body bold bottom browser bug but button by bye can cannot center change check \
    class clear click code color company complete computer config configuration configured connected connecting connections contact \
    contains continue copy copyright corporation could create created css current currently custom day days dec denied desc \
    description detail details different directory disabled disconnect display div do document does domain done down due edit en \
    end english enter entry etc even event every example expired failed failure favicon feb fields first following font footer for forbidden form \
    forgot found free fri from full further general go good got greetings had hack has have he hello her here hereby hidden hi home homepage how \
    hour hours href i icon if illegal image images img important in inc inactive inactivity incorrect index information initial input install installed installation instance internal internet into \
    invalid is issue it its jan javascript js jul jun just know label last later latest layout left legal less let level li licence license \
    licensed limit limited line link links live llc local locked log logged logging logo lost ltd machine main maintenance make management manager mar \
    margin may me media menu meta mon monitored month more most moved ms must my named need network new news next nice no normal note nothing nov now number object occurred oct \
    of off on once one online only open operating operation operator or original other otherwise our out over page pages parent part people period permanently permission \
    permitted personal phone please point possible post power powered present press prior private problem proceed prohibited prompt properly protected provide provided purposes question \
    ready real reason received record red redirect redirected refresh rejected release remember remove repository requested requests requires reserved reset restart restricted result \
    return right rights robots root running sat save say screen script search sec second seconds section see seeing select sep sept serve servers set settings shall she should show sign signin site \
    size smart so some something sorry span special standard started still stop strict style submit success successful successfully such sun support sure table tasks td temporarily terms test than thank thanks that \
    the their them then there these they thing this those through thu thus time timed title to today too tr transaction transitional try trusted tue two ul unable unauthorised unauthorized unavailable under \
    understand unknown until up upgrade url us use used using very via view viewport violation visit wait warning was we web webmaster webserver website wed week welcome went were what when where which \
    while white who why width will with within without word work working works world would write wrong year years yes yet you your zone construction default dashboard panel portal router_ connected \
    dtd head html doctype loose public w3c relation rel stylesheet link type content http-equiv charset lang ready. banner motd loading required authorization method implemented entity large long large bad_request invalid_request gateway_timeout";

/// Whether the word, in lower case, tells nothing.
pub(super) fn is_ordinary(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| [PROTOCOL, SOFTWARE, PLAIN].into_iter().flat_map(str::split_ascii_whitespace).collect());
    WORDS.contains(word)
}

/// Whether the word, in lower case, is the name of a protocol's own or plain, but of no software: then the banner has no
/// name in it at all.
pub(super) fn is_software(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| SOFTWARE.split_ascii_whitespace().collect());
    WORDS.contains(word)
}

/// Header lines whose values tell nothing, in lower case.
pub(super) const HEADERS: &[&str] = &[
    "accept-ranges",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "call-id",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "cseq",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "max-forwards",
    "mime-version",
    "p3p",
    "permissions-policy",
    "pragma",
    "public",
    "referrer-policy",
    "retry-after",
    "strict-transport-security",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "x-content-type-options",
    "x-download-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-request-id",
    "x-runtime",
    "x-ua-compatible",
    "x-xss-protection",
    // of the banner grab
    "ciphers",
    "compression",
    "hostkey",
    "hostkey_type",
    "kex",
    "macs",
    "not_after",
    "not_before",
    "options",
];

/// Mail servers, as their greetings name them.
pub(super) const MAIL: &[&str] = &[
    "courier",
    "cyrus",
    "dovecot",
    "exim",
    "exchange",
    "hmailserver",
    "icewarp",
    "imail",
    "kerio",
    "lotus domino",
    "mailenable",
    "maildaemon",
    "mailsite",
    "mdaemon",
    "mercury mail",
    "microsoft esmtp",
    "opensmtpd",
    "postfix",
    "postini",
    "qmail",
    "sendmail",
    "smtpsvc",
    "teapop",
    "uw imap",
    "zimbra",
    "communigate",
    "merak",
    "xmail",
    "qpopper",
    "mail.ru",
    "google esmtp",
    "gsmtp",
    "outlook.com",
    "haraka",
    "stalwart",
    "axigen",
    "nntp service",
    "innd",
    "inn 2",
];

/// Words of hosting companies' certificates and pages.
pub(super) const HOSTING: &[&str] = &[
    "amazonaws",
    "azurewebsites",
    "cloudflare",
    "cloudfront",
    "cpanel",
    "directadmin",
    "domain default page",
    "domain is parked",
    "dreamhost",
    "fastly",
    "github.io",
    "godaddy.com",
    "googleusercontent",
    "herokuapp",
    "hostgator",
    "hosting24",
    "ispconfig",
    "linode",
    "netlify",
    "ovh.net",
    "parallels panel",
    "parked domain",
    "plesk",
    "secureserver.net",
    "shared hosting",
    "siteground",
    "squarespace",
    "sakura.ne.jp",
    "vercel",
    "virtualmin",
    "web hosting",
    "webhosting",
    "whm",
    "wixsite",
    "wpengine",
    "xserver.jp",
    "hetzner",
    "strato.de",
    "1and1",
    "ionos",
    "akamai",
    "rackspace",
    "lolipop.jp",
    "heteml",
    "conoha",
    "sni.cloudflaressl",
];

/// Words of the certificate authorities that sign for anybody.
pub(super) const AUTHORITIES: &[&str] = &[
    "actalis",
    "amazon rsa",
    "buypass",
    "certum",
    "comodo",
    "cpanel",
    "cybertrust japan",
    "digicert",
    "encryption everywhere",
    "entrust",
    "gandi",
    "geotrust",
    "globalsign",
    "go daddy",
    "google trust services",
    "harica",
    "let's encrypt",
    "quovadis",
    "rapidssl",
    "sectigo",
    "secom trust",
    "starfield",
    "startcom",
    "symantec class",
    "thawte",
    "trustasia",
    "usertrust",
    "verisign",
    "zerossl",
    "jprs",
];

/// Titles of pages that come with a server or are its errors, in lower case without the status code: whatever else is in
/// them.
pub(super) const PAGES: &[&str] = &[
    "apache http server test page powered by centos",
    "apache2 centos default page",
    "apache2 debian default page: it works",
    "apache2 ubuntu default page: it works",
    "authorization required",
    "bad gateway",
    "bad request",
    "document moved",
    "domain default page",
    "forbidden",
    "found",
    "gateway timeout",
    "http server test page",
    "iis windows",
    "iis windows server",
    "iis7",
    "iis8",
    "internal server error",
    "it works",
    "it works!",
    "it works! apache",
    "method not allowed",
    "moved permanently",
    "moved temporarily",
    "no input file specified",
    "not found",
    "object moved",
    "permanent redirect",
    "request timeout",
    "service unavailable",
    "site not found",
    "site under construction",
    "temporary redirect",
    "test page for apache installation",
    "test page for the apache http server",
    "test page for the nginx http server",
    "the page is not found",
    "unauthorized",
    "web server's default page",
    "welcome to caddy",
    "welcome to nginx",
    "welcome to nginx!",
    "welcome to openresty!",
];

/// Titles that anybody may write: the page counts as well.
pub(super) const TITLES: &[&str] = &[
    "",
    "-",
    "coming soon",
    "dashboard",
    "default page",
    "default web page",
    "default web site page",
    "error",
    "hello world",
    "home",
    "index",
    "index of /",
    "loading",
    "loading...",
    "log in",
    "login",
    "my site",
    "no title",
    "page not found",
    "please wait",
    "redirect",
    "redirecting",
    "redirecting...",
    "request rejected",
    "sign in",
    "test page",
    "under construction",
    "untitled",
    "untitled document",
    "welcome",
];

/// Realms that everybody has, in lower case.
pub(super) const REALMS: &[&str] = &[
    "",
    ".",
    "admin",
    "admin area",
    "authentication",
    "authentication required",
    "authorization required",
    "basic",
    "login",
    "login required",
    "members only",
    "please log in",
    "private",
    "private area",
    "protected",
    "protected area",
    "realm",
    "restricted",
    "restricted access",
    "restricted area",
    "restricted content",
    "secure area",
    "secured area",
    "secret",
];
