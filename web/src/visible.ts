/** Text that others wrote. */

/** Replace characters that would change the text around them by ones that can be seen. */
export function makeVisible(text: string): string {
    // Line ends and other controls, and what turns the direction of text around.
    return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (character) => {
        const code = character.charCodeAt(0);
        return code < 32 ? String.fromCharCode(0x2400 + code) : "\ufffd";
    });
}
