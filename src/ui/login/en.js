// English texts of sign-in. Same keys as zh.js.
export default {
  sign_in: "Sign in",
  sign_in_more: "For the people of the shop.",
  email: "Email",
  password: "Password",
  code: "Code",
  code_hint: "The 6 digits of your authenticator app, or a recovery code.",
  forgot: "Forgotten your password? Someone in Operations can give you a new link.",
  set_password: "Set password",
  new_password: "New password",
  repeat_password: "Repeat it",
  password_hint: "At least 8 characters. A few words in a row are easy to keep in mind.",
  differ: "The two differ. Please type them again.",
  no_token: "This link is incomplete. Please open the whole link from your invitation.",
  password_set: "Your password is set",
  password_set_more: "You can sign in with it now.",
};
