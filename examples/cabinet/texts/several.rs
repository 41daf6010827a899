//! What is said of several accounts in one browser.

/// One language.
#[derive(Debug)]
pub struct Several {
    // On each page of who holds several.
    pub in_use: &'static str,
    pub to_switch: &'static str,
    // The page of them.
    pub title: &'static str,
    pub lead: &'static str,
    pub nobody: &'static str,
    pub here: &'static str,
    pub seen: &'static str,
    pub switch: &'static str,
    pub sign_out: &'static str,
    pub ended: &'static str,
    pub again: &'static str,
    pub add: &'static str,
    pub full: &'static str,
    pub sign_out_all: &'static str,
    pub shared: &'static str,
    // What was done.
    pub switched: &'static str,
    pub gone: &'static str,
    pub one_out: &'static str,
    pub all_out: &'static str,
    // Adding one.
    pub add_title: &'static str,
    pub add_lead: &'static str,
    // On other pages.
    pub others: &'static str,
    pub to_page: &'static str,
    pub profile_lead: &'static str,
}

pub(super) static RU: Several = Several {
    in_use: "Открыта учётная запись:",
    to_switch: "Сменить",
    title: "Учётные записи в этом браузере",
    lead: "Можно войти в несколько учётных записей и переключаться между ними без пароля. Открыта всегда только одна.",
    nobody: "Сейчас ни одна из них не открыта. Выберите, с какой продолжить.",
    here: "Открыта сейчас",
    seen: "Последнее действие",
    switch: "Переключиться",
    sign_out: "Выйти",
    ended: "Один или несколько сеансов в этом браузере завершены: долго не было действий или из учётной записи вышли в другом месте. Чтобы продолжить, войдите снова.",
    again: "Войти снова",
    add: "Добавить учётную запись",
    full: "Места больше нет: если добавить ещё одну учётную запись, вы выйдете из той, которой дольше всего не пользовались.",
    sign_out_all: "Выйти из всех",
    shared: "Кто откроет этот браузер, попадёт в любую из них. На чужом устройстве выходите из всех.",
    switched: "Вы переключились на другую учётную запись.",
    gone: "Сеанс этой учётной записи здесь завершён. Войдите в неё снова.",
    one_out: "Вы вышли из этой учётной записи.",
    all_out: "Вы вышли из всех учётных записей.",
    add_title: "Вход в другую учётную запись",
    add_lead: "Из нынешней учётной записи вы не выйдете: между ними можно будет переключаться.",
    others: "В этом браузере есть и другие учётные записи.",
    to_page: "Выбрать учётную запись",
    profile_lead: "В этом браузере можно войти и в другие учётные записи, например близких или организации.",
};

pub(super) static EN: Several = Several {
    in_use: "Account in use:",
    to_switch: "Switch",
    title: "Accounts in this browser",
    lead: "You can be signed in to several accounts and switch between them without a password. Only one is in use at a time.",
    nobody: "None of them is in use now. Choose one to go on with.",
    here: "In use",
    seen: "Last used",
    switch: "Switch to it",
    sign_out: "Sign out",
    ended: "One or more sessions in this browser are over: nothing was done for a long time, or the account was signed out elsewhere. To go on, sign in again.",
    again: "Sign in again",
    add: "Add an account",
    full: "There is no room for more: if you add another account, the one that was used longest ago is signed out.",
    sign_out_all: "Sign out of all",
    shared: "Whoever opens this browser gets into each of them. On a device that is not yours, sign out of all.",
    switched: "You have switched to another account.",
    gone: "The session of that account is over here. Sign in to it again.",
    one_out: "You have signed out of that account.",
    all_out: "You have signed out of all accounts.",
    add_title: "Sign in to another account",
    add_lead: "You stay signed in to the present one, and can switch between them.",
    others: "There are other accounts in this browser.",
    to_page: "Choose an account",
    profile_lead: "In this browser you can be signed in to other accounts, too: of your family, of an organisation.",
};
