//! What ordinary servers say: no keyword of a device may match it. Composed by hand.

/// The banners.
pub(super) const BANNERS: [&str; 14] = [
    "HTTP/1.1 200 OK\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nServer: Apache/2.4.57 (Debian)\r\nLast-Modified: Sun, 04 Jan \
     2026 09:00:00 GMT\r\nETag: \"29cd-60d1\"\r\nAccept-Ranges: bytes\r\nContent-Length: 10701\r\nVary: Accept-Encoding\r\n\
     Connection: close\r\nContent-Type: text/html\r\n\r\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \
     \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n<html><head><title>It works</title></head></html>",
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\nContent-Length: 615\r\nConnection: keep-alive\r\n\
     Cache-Control: no-cache, no-store, must-revalidate\r\nPragma: no-cache\r\nExpires: 0\r\nX-Frame-Options: SAMEORIGIN\r\n\
     \r\n<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n</head>\n<body>\n<h1>Welcome</h1></body></html>",
    "HTTP/1.1 404 Not Found\r\nContent-Type: text/html; charset=us-ascii\r\nServer: Microsoft-HTTPAPI/2.0\r\nConnection: \
     close\r\nContent-Length: 315\r\n\r\n<HTML><HEAD><TITLE>Not Found</TITLE></HEAD><BODY><h2>Not Found</h2></BODY></HTML>",
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: Microsoft-IIS/10.0\r\nX-Powered-By: ASP.NET\r\n\r\n<title>IIS \
     Windows Server</title>",
    "HTTP/1.1 401 Unauthorized\r\nServer: nginx\r\nWWW-Authenticate: Basic realm=\"Restricted\"\r\n\r\n<html><head><title>401 \
     Authorization Required</title></head><body><center><h1>401 Authorization Required</h1></center></body></html>",
    "HTTP/1.1 302 Found\r\nServer: openresty\r\nLocation: https://www.example.org/login\r\nSet-Cookie: PHPSESSID=1; path=/\r\n\
     \r\n<html><head><title>Login</title><meta name=\"viewport\" content=\"width=device-width\"></head><body><form \
     method=\"post\"><input name=\"username\"><input type=\"password\" name=\"password\"></form></body></html>",
    "HTTP/1.0 400 Bad request\r\nCache-Control: no-cache\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n<html><body>\
     <h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>",
    "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
    "220 mail.example.org ESMTP Postfix (Debian/GNU)\r\n",
    "220 (vsFTPd 3.0.3)\r\n",
    "220 ProFTPD Server (Debian) [::ffff:192.0.2.1]\r\n",
    "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN] Dovecot ready.\r\n",
    "\r\nDebian GNU/Linux 12\r\nserver login: ",
    "subject: CN=www.example.org\nissuer: CN=R3,O=Let's Encrypt,C=US\n",
];
